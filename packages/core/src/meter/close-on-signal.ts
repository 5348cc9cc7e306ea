import { constants } from 'node:os'
import { atEndOfTurn } from '../clock.ts'

/** The signals that an orchestrator (Kubernetes, PM2, systemd) or a terminal sends before it kills a process. */
const signals = ['SIGTERM', 'SIGINT'] as const

/** The functions that close the meters of this process. They share one listener per signal. */
const closers = new Set<() => Promise<unknown>>()
let closing: Promise<void> | undefined

/**
 * Runs `close` when the process receives SIGTERM or SIGINT. A second signal awaits the same close.
 *
 * A listener disables the default effect of a signal. So once everything is closed, the signal is sent again without the listener, and
 * the process exits as it would have. The kernel drops such a signal for process 1 of a container, which then exits with
 * 128 + the number of the signal, as a shell reports it. If the app has listeners of its own, the exit is left to the app.
 *
 * @returns a function that removes `close`
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

/** Returns whether px-usage has to end the process. `signal-exit`, which many tools load, does so only if it has the last listener. */
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
  // `signal-exit` receives the signal one turn later. An exit before that would skip its handlers.
  atEndOfTurn(() => atEndOfTurn(() => process.exit(128 + constants.signals[signal])))
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, closeAll)
}
