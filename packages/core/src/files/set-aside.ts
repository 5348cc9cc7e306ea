import { basename, join } from 'node:path'
import { type Disk, makeFolder, namesIn } from './disk.ts'

/** Damaged files are for whoever investigates, so the newest are enough; a disk that damages each file must not fill up. */
const mostKept = 100
const mostKeptBytes = 64 * 1024 * 1024

/**
 * Moves a file that cannot be used, or whatever is in its place, into `damaged/`, under its name and the time. Never throws: the
 * caller goes on without the file.
 *
 * @returns its new path; `undefined` if it is still in its place
 */
export function setAside(disk: Disk, dir: string, path: string, nowMs: number): string | undefined {
  const folder = join(dir, 'damaged')
  try {
    const time = new Date(nowMs).toISOString().replaceAll(':', '')
    const there = disk.lstatSync(folder, { throwIfNoEntry: false })
    // A file or a link with this name would keep everything damaged in its place, or lead it elsewhere.
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
      // The newest stays whatever its size: it was reported with its path a moment ago.
      if (index > 0 && (index >= mostKept || bytes > mostKeptBytes))
        disk.rmSync(path, { recursive: true, force: true })
    }
  } catch {
    // What is too much is removed the next time.
  }
}

interface SubfolderOf {
  disk: Disk
  dir: string
  now(): number
  onDamage(path: string, what: string): void
}

/** Makes a folder of the store. What is in its place is set aside: a link there would lead our files to another place. */
export function makeSubfolder({ disk, dir, now, onDamage }: SubfolderOf, name: string): void {
  const path = join(dir, name)
  const there = disk.lstatSync(path, { throwIfNoEntry: false })
  if (there?.isDirectory()) return
  if (there !== undefined) {
    const moved = setAside(disk, dir, path, now())
    if (moved !== undefined) onDamage(path, `it is not a folder. It was moved to ${moved}`)
  }
  makeFolder(disk, path)
}
