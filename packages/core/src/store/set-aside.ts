import { basename, join } from 'node:path'
import { type Disk, makeFolder, namesIn } from './disk.ts'

/** Damaged files are for whoever investigates, so the newest are enough; a disk that damages each file must not fill up. */
const mostKept = 100

/**
 * Moves a file that cannot be used, or whatever is in its place, into `damaged/`, under its name and the time. Never throws: the
 * caller goes on without the file.
 *
 * @returns its new path; `undefined` if it is still in its place
 */
export function setAside(disk: Disk, dir: string, path: string, nowMs: number): string | undefined {
  const folder = join(dir, 'damaged')
  try {
    makeFolder(disk, folder)
    const time = new Date(nowMs).toISOString().replaceAll(':', '')
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
  const names = namesIn(disk, folder)
  if (names.length <= mostKept) return
  const byAge = names
    .map((name) => ({
      name,
      atMs: disk.statSync(join(folder, name), { throwIfNoEntry: false })?.ctimeMs ?? 0,
    }))
    .sort((a, b) => a.atMs - b.atMs)
  for (const { name } of byAge.slice(0, names.length - mostKept))
    disk.rmSync(join(folder, name), { recursive: true, force: true })
}
