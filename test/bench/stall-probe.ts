/** CPU time of this thread where Node can tell it (from 23.9 on), else of all threads of the process. */
const cpuUsage: typeof process.cpuUsage =
  (process as { threadCpuUsage?: typeof process.cpuUsage }).threadCpuUsage ?? process.cpuUsage

/**
 * Notes the longest time between two calls, by the wall clock or by CPU time if that is less: where other processes want the
 * core, the wall clock shows them too.
 */
export function createProbe() {
  let lastMs = performance.now()
  let lastCpu = cpuUsage()
  let longestMs = 0
  return {
    look(): void {
      const wallMs = performance.now() - lastMs
      const { user, system } = cpuUsage(lastCpu)
      longestMs = Math.max(longestMs, Math.min(wallMs, (user + system) / 1_000))
      lastMs += wallMs
      lastCpu = cpuUsage()
    },
    longestMs: () => longestMs,
  }
}

export interface Timed {
  ms: number
  /** The longest time between two turns of the event loop. */
  stallMs: number
}

/** Runs a task, with a probe in every turn of the loop: that is finer than a timer, which fires once a millisecond at most. */
export async function timed(task: () => unknown): Promise<Timed> {
  await new Promise((resolve) => setImmediate(resolve))
  const startMs = performance.now()
  const probe = createProbe()
  let isDone = false
  const turn = () => {
    probe.look()
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  await task()
  const ms = performance.now() - startMs
  // Whatever came last is seen by one more turn.
  await new Promise((resolve) => setImmediate(resolve))
  isDone = true
  return { ms, stallMs: probe.longestMs() }
}
