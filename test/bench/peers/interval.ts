export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/** A median, and the limits between which 95 % of the medians of resampled values are. */
export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

const resamples = 2_000

/**
 * Estimates a median by bootstrap. V8 compiles the same code differently in each process, so the values of one process are more alike
 * than those of two. Each resample therefore draws processes first, and values of these processes second.
 */
export function intervalOf(processes: readonly (readonly number[])[]): Interval {
  const drawFrom = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)] as T
  const medians = Array.from({ length: resamples }, () => {
    const drawn = processes.map(() => drawFrom(processes))
    return median(drawn.flatMap((values) => values.map(() => drawFrom(values))))
  }).sort((a, b) => a - b)
  return {
    median: median(processes.flat()),
    low: medians[Math.floor(resamples * 0.025)] as number,
    high: medians[Math.floor(resamples * 0.975)] as number,
  }
}
