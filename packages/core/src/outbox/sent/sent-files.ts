import { join } from 'node:path'
import { type Disk, namesIn } from '../../files/disk.ts'
import type { UsageDay } from '../../model/series.ts'

/** A file of delivered lines: JSON lines, compressed with gzip. */
export interface SentFile {
  readonly path: string
  readonly first: UsageDay
  readonly last: UsageDay
}

const fileName = /^(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?\.[0-9a-f]+\.ndjson\.gz$/

/** Returns the folder with the delivered lines of a store. */
export function sentFolder(dir: string): string {
  return join(dir, 'sent')
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
