/** The largest number of these moments (in ascending order) in any window of the given length in ms. */
export function mostIn(windowMs: number, times: readonly number[]): number {
  let most = 0
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] as number) - (times[from] as number) >= windowMs) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}
