import { codeOf, type Disk } from './disk.ts'

/** What stands where a file should be and can never be read as one: a folder, a FIFO, a socket, a device, a link. */
class NotAFile extends Error {}

/**
 * Opens a file to read it.
 *
 * @throws {NotAFile} for anything else: to open a FIFO would stop the event loop until another process writes to it
 */
export function openToRead(disk: Disk, path: string, flags: 'r' | 'r+' = 'r'): number {
  if (!disk.lstatSync(path).isFile()) throw new NotAFile(`${path} is not a file`)
  return disk.openSync(path, flags)
}

/**
 * Whether another file, or none, is at the path of an open one: the file was removed, or its folder was moved away, restored
 * from a copy or covered by a volume. What is written to the open file then reaches no other process.
 */
export function isReplaced(disk: Disk, file: number, path: string): boolean {
  const held = disk.fstatSync(file)
  if (held.nlink === 0) return true
  try {
    const there = disk.statSync(path)
    return there.ino !== held.ino || there.dev !== held.dev
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return true
    throw error
  }
}

/** Closes a file from which nothing more is needed; the number is free then, also if closing fails. */
export function closeQuietly(disk: Disk, file: number): void {
  try {
    disk.closeSync(file)
  } catch {
    // What was written is the system's by now, and was synced where that matters.
  }
}

/** Runs `task` with an open file. */
export async function withFile<T>(disk: Disk, path: string, task: (file: number) => Promise<T>): Promise<T> {
  const file = openToRead(disk, path)
  try {
    return await task(file)
  } finally {
    closeQuietly(disk, file)
  }
}
