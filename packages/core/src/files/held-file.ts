import { codeOf, type Disk } from './disk.ts'

/** Thrown for a path that can never be read as a file: a folder, a FIFO, a socket, a device, a link. */
class NotAFile extends Error {}

/**
 * Opens a file for reading.
 *
 * @throws {NotAFile} for anything else: opening a FIFO would block the event loop until another process writes to it
 */
export function openToRead(disk: Disk, path: string, flags: 'r' | 'r+' = 'r'): number {
  if (!disk.lstatSync(path).isFile()) throw new NotAFile(`${path} is not a file`)
  return disk.openSync(path, flags)
}

/**
 * Returns whether the path of an open file now leads to another file or to none. The file was removed, or its folder was moved
 * away, restored from a copy or hidden by a mounted volume. No other process sees what is written to the open file then.
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

/** Closes a file and ignores a failure: the descriptor is free in either case. */
export function closeQuietly(disk: Disk, file: number): void {
  try {
    disk.closeSync(file)
  } catch {
    // The system has accepted the writes, and they were synced where that matters.
  }
}

/** Closes and removes a file whose creation failed, so that nothing blocks the next attempt. Never throws. */
export function discardFile(disk: Disk, file: number, ...paths: string[]): void {
  closeQuietly(disk, file)
  for (const path of paths) removeQuietly(disk, path)
}

/** Removes a file that does no harm if it stays. */
export function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.rmSync(path, { force: true })
  } catch {
    // The next attempt overwrites the file, or the next process removes it.
  }
}

/** Opens a file for reading, runs `task` with it, and closes it. */
export async function withFile<T>(disk: Disk, path: string, task: (file: number) => Promise<T>): Promise<T> {
  const file = openToRead(disk, path)
  try {
    return await task(file)
  } finally {
    closeQuietly(disk, file)
  }
}
