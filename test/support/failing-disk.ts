import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'

type Call = keyof Disk

/** The functions that change something on a disk. */
const changes: readonly Call[] = [
  'openSync',
  'writeSync',
  'write',
  'ftruncateSync',
  'renameSync',
  'linkSync',
  'rmSync',
  'unlink',
  'rmdirSync',
  'mkdirSync',
  'fdatasync',
  'fsync',
]

/**
 * The disk of this machine, with `before` called ahead of each call. What `before` throws becomes the error of that call, thrown or
 * passed to its callback.
 */
export function diskWith(before: (call: Call, args: readonly unknown[]) => void): Disk {
  const disk: Record<string, unknown> = { ...realDisk }
  for (const call of Object.keys(realDisk) as Call[]) {
    const real = realDisk[call] as (...args: unknown[]) => unknown
    if (typeof real !== 'function') continue
    disk[call] = (...args: unknown[]) => {
      const done = args.at(-1)
      const isAsync = !call.endsWith('Sync') && typeof done === 'function'
      try {
        before(call, args)
      } catch (error) {
        if (!isAsync) throw error
        setImmediate(() => (done as (error: unknown) => void)(error))
        return
      }
      return real.apply(realDisk, args)
    }
  }
  return disk as unknown as Disk
}

export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}

/** Of what a write was asked for, a share: what a full disk takes, or one that is cut off. */
export function writeShare(args: readonly unknown[], share = 0.5): void {
  const [file, bytes, offset, length, position] = args as [number, Uint8Array, number, number, number]
  realDisk.writeSync(file, bytes, offset, Math.floor(length * share), position)
}

/** Whether a call changes something. */
export function isChange(call: Call, args: readonly unknown[]): boolean {
  return changes.includes(call) && !(call === 'openSync' && args[1] === 'r')
}

/** A disk that is cut off at its nth change, as a kill does: nothing is written any more, of a write only a share. */
export function cutOffAt(nth: number, share = 0.5): { disk: Disk; readonly isCutOff: boolean } {
  let count = 0
  const state = {
    isCutOff: false,
    disk: diskWith((call, args) => {
      if (!isChange(call, args)) return
      count += 1
      if (count < nth) return
      if (!state.isCutOff && (call === 'writeSync' || call === 'write')) {
        writeShare(args, share)
      }
      state.isCutOff = true
      throw errno('EIO')
    }),
  }
  return state
}
