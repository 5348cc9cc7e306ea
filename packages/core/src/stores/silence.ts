import type { Clock } from '../clock.ts'
import type { Disk } from '../files/disk.ts'

/** An owner that cannot be asked and whose file did not change for so long is taken for dead. */
export const silentAfterMs = 600_000

/** Watches files that a living owner touches. */
export interface Silence {
  /** For how long this process has seen the file unchanged, 0 at the first look. */
  of(disk: Disk, path: string): number
}

/**
 * By the monotonic clock of this process: a time in the file is one of another clock, and a file dated next year would keep
 * everyone waiting until then.
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
