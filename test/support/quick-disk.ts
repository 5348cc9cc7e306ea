import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'

type Args = [number, Uint8Array, number, number, number, (error: null, count: number) => void]

/**
 * The disk of this machine, without any waiting time: whatever a step of a fake clock sets off is through before the next
 * step. Not for tests of power cuts.
 */
export const quickDisk = {
  ...realDisk,
  fdatasync: (_file: number, done: (error: null) => void) => done(null),
  fsync: (_file: number, done: (error: null) => void) => done(null),
  read(...[file, bytes, offset, length, position, done]: Args) {
    done(null, realDisk.readSync(file, bytes, offset, length, position))
  },
  write(...[file, bytes, offset, length, position, done]: Args) {
    done(null, realDisk.writeSync(file, bytes, offset, length, position))
  },
} as unknown as Disk
