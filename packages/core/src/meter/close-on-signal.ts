import { constants } from 'node:os'
import { atEndOfTurn } from '../clock.ts'

/** What an orchestrator (Kubernetes, PM2, systemd) and a terminal send before they kill. */
const signals = ['SIGTERM', 'SIGINT'] as const

/** All that is to be closed in this process: several meters share one listener per signal. */
const closers = new Set<() => Promise<unknown>>()
let closing: Promise<void> | undefined

/**
 * Runs `close` when the process is asked to end. A second signal waits for the same close.
 *
 * A listener takes away the signal's own effect, so once everything is closed the signal is sent again without it: the
 * process ends as it would have. As process 1 of a container it does not, since the kernel drops a signal that process 1 does
 * not handle: then it exits with 128 + the number of the signal, as a shell reports it. If the app listens as well, ending
 * is left to the app.
 *
 * @returns a function that forgets `close`
 */
export function closeOnSignal(close: () => Promise<unknown>): () => void {
  if (closers.size === 0) for (const signal of signals) process.on(signal, closeAll)
  closers.add(close)
  return () => {
    closers.delete(close)
    if (closers.size === 0 && closing === undefined) stopListening()
  }
}

function closeAll(signal: NodeJS.Signals): void {
  closing ??= Promise.allSettled([...closers].map((close) => close())).then(() => {
    closing = undefined
    closers.clear()
    stopListening()
    if (isForUs(signal)) endBy(signal)
  })
}

/** `signal-exit`, which many tools load, ends the process as well, but only if it is the last to listen. */
function isForUs(signal: NodeJS.Signals): boolean {
  const emitters = process as unknown as Record<string | symbol, { count?: unknown } | undefined>
  let passive = 0
  for (const name of ['__signal_exit_emitter__', Symbol.for('signal-exit emitter')]) {
    const count = emitters[name]?.count
    if (typeof count === 'number') passive += count
  }
  return process.listenerCount(signal) <= passive
}

function endBy(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal)
  // Another turn, as `signal-exit` gets the signal only then.
  atEndOfTurn(() => atEndOfTurn(() => process.exit(128 + constants.signals[signal])))
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, closeAll)
}
