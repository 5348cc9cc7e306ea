import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { type Disk, namesIn, removeFile } from '../files/disk.ts'
import type { UsageDay } from '../model/series.ts'

/** The first frame of every journal file, as JSON. */
export interface JournalHeader {
  readonly format: number
  readonly journalId: string
  readonly day: UsageDay
  readonly timeZone: string
  /** Host and boot id of the writer. From them another process finds out whether it can see that the writer is alive. */
  readonly host: string
  readonly boot: string
  /** Sequence of the first frame of counts. */
  readonly firstSequence: number
  /** Only in a compacted file, whose frames together contain all sequences up to this one. */
  readonly upTo?: number
}

/** One file of a journal: segments `first` to `last`, which differ only in a compacted file. */
export interface JournalFile {
  readonly path: string
  readonly journalId: string
  readonly first: number
  readonly last: number
}

const fileName = /^([0-9a-f]{16}-[0-9a-z]+)\.(\d+)-(\d+)\.log$/

/** Creates an id of 64 random bits and the start time. It does not use the pid, which is 1 in every container. */
export function newJournalId(clock: Clock): string {
  return `${randomBytes(8).toString('hex')}-${Math.max(0, Math.round(clock.now())).toString(36)}`
}

export function journalFolder(dir: string, day?: UsageDay): string {
  return day === undefined ? join(dir, 'journals') : join(dir, 'journals', day)
}

export function journalPath(dir: string, day: UsageDay, journalId: string, first: number, last: number) {
  return join(journalFolder(dir, day), `${journalId}.${first}-${last}.log`)
}

/** Returns the days with journals, oldest first. */
export function journalDays(disk: Disk, dir: string): UsageDay[] {
  return namesIn(disk, journalFolder(dir)).filter(isDay)
}

/** Rejects `2026-02-30`, for which no calendar could compute the end of the day. */
function isDay(name: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(name)) return false
  const epochMs = Date.parse(`${name}T00:00:00Z`)
  return !Number.isNaN(epochMs) && new Date(epochMs).toISOString().startsWith(name)
}

/** Returns the files of a day by journal, in their order, without those that a compacted file contains. */
export function journalsOf(disk: Disk, dir: string, day: UsageDay): Map<string, JournalFile[]> {
  const journals = new Map<string, JournalFile[]>()
  const folder = journalFolder(dir, day)
  for (const name of namesIn(disk, folder)) {
    const match = fileName.exec(name)
    if (match === null) continue
    const [, journalId = '', first, last] = match
    const files = journals.get(journalId) ?? []
    files.push({ path: join(folder, name), journalId, first: Number(first), last: Number(last) })
    journals.set(journalId, files)
  }
  for (const [journalId, files] of journals) {
    const contains = (a: JournalFile, b: JournalFile) => a !== b && a.first <= b.first && a.last >= b.last
    const kept = files.filter((file) => !files.some((other) => contains(other, file)))
    journals.set(
      journalId,
      kept.sort((a, b) => a.first - b.first),
    )
  }
  return journals
}

/** Removes files with all that they contain (`whole`), or only unfinished files and those that a compacted file replaced. */
export async function removeJournalFiles(
  disk: Disk,
  folder: string,
  files: readonly JournalFile[],
  which: 'whole' | 'contained',
): Promise<void> {
  const byJournal = new Map<string, JournalFile[]>()
  for (const file of files) byJournal.set(file.journalId, [...(byJournal.get(file.journalId) ?? []), file])
  for (const name of namesIn(disk, folder)) {
    const [, id = '', from, to] = fileName.exec(name.replace(/\.tmp$/, '')) ?? []
    const own = byJournal.get(id)
    const container = own?.find(({ first, last }) => Number(from) >= first && Number(to) <= last)
    const isUnfinished = name.endsWith('.tmp')
    const isItself = !isUnfinished && Number(from) === container?.first && Number(to) === container.last
    const isToGo =
      which === 'whole'
        ? container !== undefined || (own !== undefined && isUnfinished)
        : container !== undefined && !isItself
    if (isToGo) await removeFile(disk, join(folder, name))
  }
}
