import type { Clock } from '../clock.ts'
import type { Disk } from '../files/disk.ts'

/** An owner that cannot be probed counts as dead when its file did not change for 600000 ms (10 minutes). */
export const silentAfterMs = 600_000

/** Watches files that a living process touches. */
export interface Silence {
  /** How long this process has seen the file unchanged, ms; 0 at the first call. */
  of(disk: Disk, path: string): number
}

/**
 * Creates the watch. It uses the monotonic clock of this process: the time of the file comes from another clock, and a file
 * dated next year would keep all processes waiting until then.
 */
export function createSilence(clock: Clock): Silence {
  const seen = new Map<string, { state: string; sinceMs: number }>()
  return {
    of(disk, path) {
      const stats = disk.statSync(path, { throwIfNoEntry: false })
      const state = stats === undefined ? 'missing' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`
      const before = seen.get(path)
      if (before?.state === state) return clock.elapsed() - before.sinceMs
      seen.set(path, { state, sinceMs: clock.elapsed() })
      return 0
    },
  }
}
