import nodeFs from 'node:fs'
import { dirname } from 'node:path'

/** The functions of `node:fs` that the file store uses: one door, so that a test can let each of them fail. */
export type Disk = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fdatasync'
  | 'fstatSync'
  | 'fsync'
  | 'ftruncateSync'
  | 'linkSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'read'
  | 'readFileSync'
  | 'readSync'
  | 'readdirSync'
  | 'renameSync'
  | 'rmSync'
  | 'rmdirSync'
  | 'statSync'
  | 'unlink'
  | 'utimesSync'
  | 'write'
  | 'writeSync'
>

export const realDisk: Disk = nodeFs

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** Writes all of it: a single write may take less than it was given, without an error. */
export function writeWhole(disk: Disk, file: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) {
    written += disk.writeSync(file, bytes, written, bytes.length - written, position + written)
  }
}

/** The same, off the event loop. */
export async function writeLater(
  disk: Disk,
  file: number,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    written += await new Promise<number>((resolve, reject) => {
      disk.write(file, bytes, written, bytes.length - written, position + written, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
  }
}

/** Up to `length` bytes; fewer at the end of the file. @param bytes what to read them into, if there is something long enough */
export async function readAt(
  disk: Disk,
  file: number,
  position: number,
  length: number,
  bytes: Buffer = Buffer.allocUnsafe(length),
): Promise<Buffer> {
  let got = 0
  while (got < length) {
    const count = await new Promise<number>((resolve, reject) => {
      disk.read(file, bytes, got, length - got, position + got, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
    if (count === 0) break
    got += count
  }
  return bytes.subarray(0, got)
}

/** Waits until the content is on the disk, off the event loop. */
export function syncContent(disk: Disk, file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    disk.fdatasync(file, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** Without this a power cut may undo what was made, renamed or removed in a folder. Windows cannot, and need not. */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = disk.openSync(path, 'r')
  try {
    await new Promise<void>((resolve, reject) => {
      disk.fsync(folder, (error) => (error === null ? resolve() : reject(error)))
    })
  } finally {
    disk.closeSync(folder)
  }
}

/** Puts content in the place of a file as one step: whoever reads sees the old or the new. */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'w', 0o600)
  try {
    await writeLater(disk, file, content, 0)
    await syncContent(disk, file)
  } finally {
    disk.closeSync(file)
  }
  disk.renameSync(aside, path)
  await syncFolder(disk, dirname(path))
}

/** Removes a file if it is there, off the event loop: a file system takes tens of milliseconds to free some hundred megabytes. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    disk.unlink(path, (error) => (error === null || codeOf(error) === 'ENOENT' ? resolve() : reject(error)))
  })
}

/** Names in a folder, sorted; none if there is no such folder. */
export function namesIn(disk: Disk, path: string): string[] {
  try {
    return disk.readdirSync(path).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}

export function readIfThere(disk: Disk, path: string): Buffer | undefined {
  try {
    return disk.readFileSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export function makeFolder(disk: Disk, path: string): void {
  disk.mkdirSync(path, { recursive: true, mode: 0o700 })
}
