import { join } from 'node:path'
import { codeOf, type Disk, namesIn } from '../../files/disk.ts'
import { removeQuietly } from '../../files/held-file.ts'
import type { UsageDay } from '../../model/series.ts'

/** A file of delivered lines: JSON lines, compressed with gzip. */
export interface SentFile {
  readonly path: string
  readonly first: UsageDay
  readonly last: UsageDay
}

const fileName = /^(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?\.[0-9a-f]+\.ndjson\.gz$/

/** The name of a file without content: lines up to this day may be missing. */
const boundName = /^complete-after\.(\d{4}-\d\d-\d\d)$/

/** Returns the folder with the delivered lines of a store. */
export function sentFolder(dir: string): string {
  return join(dir, 'sent')
}

/** Creates the folder, but not its parents: a store that was removed while it was in use must not come back in part. */
export function makeSentFolder(disk: Disk, dir: string): void {
  try {
    disk.mkdirSync(sentFolder(dir), { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** @param id that of the file of the outbox with the lines */
export function sentFileName(first: UsageDay, last: UsageDay, id: string): string {
  return `${first === last ? first : `${first}..${last}`}${sentFileEnd(id)}`
}

/** The end of the name of the file with the lines of a file of the outbox. */
export function sentFileEnd(id: string): string {
  return `.${id}.ndjson.gz`
}

/** Returns the files of delivered lines, those with the oldest lines first. */
export function sentFilesIn(disk: Disk, dir: string): SentFile[] {
  const folder = sentFolder(dir)
  return namesIn(disk, folder)
    .flatMap((name) => {
      const [, first, last = first] = fileName.exec(name) ?? []
      return first === undefined || last === undefined ? [] : [{ path: join(folder, name), first, last }]
    })
    .sort((a, b) => (a.last < b.last ? -1 : a.last > b.last ? 1 : 0))
}

/** Returns the last day of which delivered lines may be missing, because they were removed or could not be kept. */
export function incompleteUpTo(disk: Disk, dir: string): UsageDay | undefined {
  const days = namesIn(disk, sentFolder(dir)).flatMap((name) => boundName.exec(name)?.[1] ?? [])
  return days.at(-1)
}

/** Notes that lines up to a day may be missing. Without this note, an audit would take the lines that PX has of it for foreign ones. */
export function noteIncomplete(disk: Disk, dir: string, day: UsageDay): void {
  const known = incompleteUpTo(disk, dir)
  if (known !== undefined && known >= day) return
  makeSentFolder(disk, dir)
  const folder = sentFolder(dir)
  disk.closeSync(disk.openSync(join(folder, `complete-after.${day}`), 'w', 0o600))
  if (known !== undefined) removeQuietly(disk, join(folder, `complete-after.${known}`))
}
