/** What an orchestrator (Kubernetes, PM2, systemd) and a terminal send before they kill. */
const signals = ['SIGTERM', 'SIGINT'] as const

/** All that is to be closed in this process: several meters share one listener per signal. */
const closers = new Set<() => Promise<unknown>>()
let closing: Promise<void> | undefined

/**
 * Runs `close` when the process is asked to end. A second signal waits for the same close.
 *
 * A listener takes away the signal's own effect, so once everything is closed the signal is sent again without it: the
 * process ends as it would have. If the app listens as well, ending is left to the app.
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
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  })
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, closeAll)
}
