import { basename, join } from 'node:path'
import { type Disk, makeFolder, namesIn } from './disk.ts'

/** Limits of the folder: an operator needs only the newest files, and a disk that damages every file must not fill up. */
const mostKept = 100
const mostKeptBytes = 64 * 1024 * 1024

/**
 * Moves a file that cannot be used, or whatever is in its place, to `damaged/`, under its name and the time. Never throws, so
 * that the caller can continue without the file.
 *
 * @returns its new path; `undefined` if it could not be moved
 */
export function setAside(disk: Disk, dir: string, path: string, nowMs: number): string | undefined {
  const folder = join(dir, 'damaged')
  try {
    const time = new Date(nowMs).toISOString().replaceAll(':', '')
    const there = disk.lstatSync(folder, { throwIfNoEntry: false })
    // A file with the name of the folder would make every move fail, and a link would send the files elsewhere.
    if (there !== undefined && !there.isDirectory()) disk.renameSync(folder, `${folder}.${time}`)
    makeFolder(disk, folder)
    const taken = new Set(namesIn(disk, folder))
    let name = `${basename(path)}.${time}`
    for (let more = 1; taken.has(name); more++) name = `${basename(path)}.${time}.${more}`
    disk.renameSync(path, join(folder, name))
    removeOldest(disk, folder)
    return join(folder, name)
  } catch {
    return undefined
  }
}

function removeOldest(disk: Disk, folder: string): void {
  try {
    const newestFirst = namesIn(disk, folder)
      .map((name) => {
        const path = join(folder, name)
        const { ctimeMs = 0, size = 0 } = disk.lstatSync(path, { throwIfNoEntry: false }) ?? {}
        return { path, ctimeMs, size }
      })
      .sort((a, b) => b.ctimeMs - a.ctimeMs)
    let bytes = 0
    for (const [index, { path, size }] of newestFirst.entries()) {
      bytes += size
      // The newest stays whatever its size, because px-usage reports its path next.
      if (index > 0 && (index >= mostKept || bytes > mostKeptBytes))
        disk.rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // The next call removes the excess files.
  }
}

/** The folder of a store, as the parts of the store that have a folder or files of their own in it use it. */
export interface StoreFolder {
  readonly disk: Disk
  readonly dir: string
  now(): number
  /** Called for what is not what it should be. @param what what is wrong with it, and where it is now */
  onDamage(path: string, what: string): void
}

/** Creates a folder of the store. It sets aside what is in its place, because a link there would send our files elsewhere. */
export function makeSubfolder({ disk, dir, now, onDamage }: StoreFolder, name: string): void {
  const path = join(dir, name)
  const there = disk.lstatSync(path, { throwIfNoEntry: false })
  if (there?.isDirectory()) return
  if (there !== undefined) {
    const moved = setAside(disk, dir, path, now())
    if (moved !== undefined) onDamage(path, `it is not a folder. It was moved to ${moved}`)
  }
  makeFolder(disk, path)
}
