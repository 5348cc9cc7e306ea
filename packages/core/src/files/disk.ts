import { randomBytes } from 'node:crypto'
import nodeFs from 'node:fs'
import { dirname, join } from 'node:path'

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

/**
 * The file system. A file that is opened to be written is never a link, and never a FIFO, which would stop the event loop: in a
 * folder that another user made, a link would let that user choose which of our files is overwritten.
 *
 * Each function is looked up when it is called, so that a tool which patches `node:fs` later still sees it.
 */
export const realDisk: Disk = new Proxy(nodeFs, {
  get: (fs, name) => (name === 'openSync' ? openSafely : fs[name as keyof typeof fs]),
})

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY } = nodeFs.constants

/** Flags that could lead to another file; `wx` never does, and a folder is opened with `r`. */
const writeFlags: Record<string, number> = {
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
}

function openSafely(...[path, flags, mode]: Parameters<typeof nodeFs.openSync>): number {
  const numeric = writeFlags[String(flags)]
  // Windows has neither.
  if (numeric === undefined || O_NOFOLLOW === undefined) return nodeFs.openSync(path, flags, mode)
  const safe = numeric | O_NOFOLLOW | O_NONBLOCK
  try {
    return nodeFs.openSync(path, safe, mode)
  } catch (error) {
    // What `w` makes replaces what was there, so a link or a FIFO with a name of ours is in the way and nothing else.
    if (!String(flags).startsWith('w') || !['ELOOP', 'EMLINK', 'ENXIO'].includes(codeOf(error) ?? ''))
      throw error
    nodeFs.unlinkSync(path)
    return nodeFs.openSync(path, safe, mode)
  }
}

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
  return synced((done) => disk.fdatasync(file, done))
}

/** Without this a power cut may undo what was made, renamed or removed in a folder. Windows cannot, and need not. */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = disk.openSync(path, 'r')
  try {
    await synced((done) => disk.fsync(folder, done))
  } finally {
    disk.closeSync(folder)
  }
}

/** Node disables syncing under its permission model. Counting on without it beats not counting: only a power cut can tell. */
const syncDenied = 'ERR_ACCESS_DENIED'

function synced(sync: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    sync((error) => (error === null || error === undefined ? resolve() : reject(error)))
  }).catch((error: unknown) => {
    if (codeOf(error) !== syncDenied) throw error
  })
}

/** Whether this process may sync what it writes. */
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
 * Puts content in the place of a file as one step: whoever reads sees the old or the new. Two processes may do so at once: each
 * has a temporary file of its own, and the last one wins whole. A link that another user put there is not followed.
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

/** So long after it was written a temporary file is one that a crash left. */
const staleAfterMs = 3_600_000

/** Removes what processes that crashed within `replaceFile()` left in a folder. */
export function removeStaleTemporaries(disk: Disk, folder: string, nowMs: number): void {
  try {
    for (const name of namesIn(disk, folder)) {
      if (!name.endsWith('.tmp')) continue
      const path = join(folder, name)
      const { mtimeMs = nowMs } = disk.lstatSync(path, { throwIfNoEntry: false }) ?? {}
      if (nowMs - mtimeMs > staleAfterMs) disk.rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // They do no harm but for the place that they take.
  }
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

/** @throws for what is not a file: reading a FIFO would stop the event loop until another process writes to it */
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
 * Makes a folder with all that it stands in. Node's own recursive `mkdir` never ends where a folder says ENOENT for good, as
 * /proc does (Node 20).
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
    // Some systems refuse to make what is there by another code than EEXIST, such as EROFS or EACCES.
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
