import { randomBytes } from 'node:crypto'
import nodeFs from 'node:fs'
import { dirname, join } from 'node:path'

/** The functions of `node:fs` that the file store uses. All go through this type, so that a test can make each of them fail. */
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

/**
 * The file system of the machine. It opens no link and no FIFO for writing. In a folder that another user created, a link
 * would let that user choose which file px-usage overwrites, and a FIFO would block the event loop.
 *
 * It looks each function up when it is called, so that a tool which patches `node:fs` later still sees the calls.
 */
export const realDisk: Disk = new Proxy(nodeFs, {
  get: (fs, name) => (name === 'openSync' ? openSafely : fs[name as keyof typeof fs]),
})

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY } = nodeFs.constants

/** The flags with which `open` would follow a link. `wx` never follows one, and folders are opened with `r`. */
const writeFlags: Record<string, number> = {
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
}

function openSafely(...[path, flags, mode]: Parameters<typeof nodeFs.openSync>): number {
  const numeric = writeFlags[String(flags)]
  // Windows has neither flag.
  if (numeric === undefined || O_NOFOLLOW === undefined) return nodeFs.openSync(path, flags, mode)
  const safe = numeric | O_NOFOLLOW | O_NONBLOCK
  try {
    return nodeFs.openSync(path, safe, mode)
  } catch (error) {
    // `w` replaces the content anyway, so a link or a FIFO with one of our names can be removed without a loss.
    if (!String(flags).startsWith('w') || !['ELOOP', 'EMLINK', 'ENXIO'].includes(codeOf(error) ?? ''))
      throw error
    nodeFs.unlinkSync(path)
    return nodeFs.openSync(path, safe, mode)
  }
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** Writes all bytes. A single write may take fewer bytes than it was given, without an error. */
export function writeWhole(disk: Disk, file: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) {
    written += disk.writeSync(file, bytes, written, bytes.length - written, position + written)
  }
}

/** Writes all bytes as `writeWhole` does, off the event loop. */
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

/** Reads up to `length` bytes; fewer at the end of the file. @param bytes buffer to read into, at least `length` long */
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

/** Syncs the content of a file to the disk, off the event loop. */
export function syncContent(disk: Disk, file: number): Promise<void> {
  return synced((done) => disk.fdatasync(file, done))
}

/** Syncs a folder. Otherwise a power cut may undo what was created, renamed or removed in it. Windows cannot, and need not. */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = disk.openSync(path, 'r')
  try {
    await synced((done) => disk.fsync(folder, done))
  } finally {
    disk.closeSync(folder)
  }
}

/** Node's permission model disables syncing. px-usage counts without it then: only a power cut would make a difference. */
const syncDenied = 'ERR_ACCESS_DENIED'

function synced(sync: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    sync((error) => (error === null || error === undefined ? resolve() : reject(error)))
  }).catch((error: unknown) => {
    if (codeOf(error) !== syncDenied) throw error
  })
}

/** Returns whether this process may sync the files that it writes. */
export async function maySync(disk: Disk, folder: string): Promise<boolean> {
  if (process.platform === 'win32') return true
  const file = disk.openSync(folder, 'r')
  try {
    await new Promise<void>((resolve, reject) => {
      disk.fsync(file, (error) => (error === null || error === undefined ? resolve() : reject(error)))
    })
  } catch (error) {
    if (codeOf(error) === syncDenied) return false
  } finally {
    disk.closeSync(file)
  }
  return true
}

/**
 * Replaces the content of a file in one step: readers see the old content or the new one. Two processes may do so at the same
 * time: each writes a temporary file of its own, and the last one wins completely. It does not follow links.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = disk.openSync(aside, 'wx', 0o600)
  try {
    try {
      await writeLater(disk, file, content, 0)
      await syncContent(disk, file)
    } finally {
      disk.closeSync(file)
    }
    disk.renameSync(aside, path)
  } catch (error) {
    await removeFile(disk, aside).catch(() => {})
    throw error
  }
  await syncFolder(disk, dirname(path))
}

/** A temporary file of this age, 3600000 ms (1 hour), was left by a crash. */
const staleAfterMs = 3_600_000

/** Removes what processes that crashed within `replaceFile()` left in a folder. Never throws. */
export function removeStaleTemporaries(disk: Disk, folder: string, nowMs: number): void {
  try {
    for (const name of namesIn(disk, folder)) {
      if (!name.endsWith('.tmp')) continue
      const path = join(folder, name)
      const { mtimeMs = nowMs } = disk.lstatSync(path, { throwIfNoEntry: false }) ?? {}
      if (nowMs - mtimeMs > staleAfterMs) disk.rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // Leftover files only take disk space; the next start removes them.
  }
}

/** Removes a file if it exists, off the event loop: a file system needs tens of milliseconds to free some hundred megabytes. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    disk.unlink(path, (error) => (error === null || codeOf(error) === 'ENOENT' ? resolve() : reject(error)))
  })
}

/** Returns the names in a folder, sorted; an empty list if there is no such folder. */
export function namesIn(disk: Disk, path: string): string[] {
  try {
    return disk.readdirSync(path).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return []
    throw error
  }
}

/** Reads a file if it exists. @throws for what is not a file: reading a FIFO would block the event loop until a process writes to it */
export function readIfThere(disk: Disk, path: string): Buffer | undefined {
  try {
    const stats = disk.lstatSync(path)
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'EISDIR' })
    return disk.readFileSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Creates a folder and its parents. Node's own recursive `mkdir` never returns in Node 20 where a folder keeps failing with
 * ENOENT, as /proc does.
 */
export function makeFolder(disk: Disk, path: string): void {
  try {
    makeOne(disk, path)
  } catch (error) {
    const parent = dirname(path)
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error
    makeFolder(disk, parent)
    makeOne(disk, path)
  }
}

function makeOne(disk: Disk, path: string): void {
  try {
    disk.mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // For a folder that exists, some systems return another code than EEXIST, such as EROFS or EACCES.
    if (codeOf(error) === 'ENOENT' || !isFolder(disk, path)) throw error
  }
}

function isFolder(disk: Disk, path: string): boolean {
  try {
    return disk.statSync(path).isDirectory()
  } catch {
    return false
  }
}
