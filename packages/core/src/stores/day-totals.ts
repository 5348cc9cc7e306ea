import { storeError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { codeOf, type Disk } from '../files/disk.ts'
import { closeQuietly, openToRead } from '../files/held-file.ts'
import { type JournalFile, journalsOf } from '../journal/journal-files.ts'
import { type InspectedFile, inspectOpenJournal, readTotals } from '../journal/journal-reader.ts'
import type { SeriesTotal, UsageDay } from '../model/series.ts'
import type { ClosedDay, ClosedDays } from '../outbox/closed-days.ts'

interface DayTotalsSettings {
  disk: Disk
  dir: string
  closed: ClosedDays
  damaged: DamagedFiles
  isReadable(file: InspectedFile): boolean
}

/** A journal file, and its descriptor while it is open. */
interface OpenJournal {
  readonly journal: JournalFile
  file: number | undefined
}

/** Limit of files held open: a crash loop leaves thousands, more than a process may open. */
const maxHeld = 64

/**
 * Yields what is counted of an open day at the moment of the call, and nothing if the day is closed by then. It holds the files
 * open, because another process may close the day or compact its files meanwhile.
 *
 * @throws {UsageError} if that happens to a day with more files than it holds open
 */
export async function* readDayTotals(
  settings: DayTotalsSettings,
  day: UsageDay,
): AsyncGenerator<readonly SeriesTotal[]> {
  const { disk } = settings
  const { contained, files } = await openDay(settings, day)
  try {
    for (const open of files) {
      open.file ??= openLater(disk, open.journal.path)
      const inspected = await inspectOpenJournal(disk, open.journal, open.file)
      if (settings.isReadable(inspected)) {
        yield* readTotals(disk, open.file, inspected, contained[open.journal.journalId] ?? 0)
      }
      closeQuietly(disk, open.file)
      open.file = undefined
    }
  } finally {
    closeAll(disk, files)
  }
}

function closeAll(disk: Disk, files: readonly OpenJournal[]): void {
  for (const { file } of files) if (file !== undefined) closeQuietly(disk, file)
}

async function openDay(
  { disk, dir, closed, damaged }: DayTotalsSettings,
  day: UsageDay,
): Promise<{ contained: ClosedDay['contained']; files: OpenJournal[] }> {
  for (;;) {
    const { contained, revision } = await closed.of(day)
    const files: OpenJournal[] = []
    let isWhole = false
    try {
      for (const journal of [...journalsOf(disk, dir, day).values()].flat()) {
        try {
          files.push({ journal, file: files.length < maxHeld ? openToRead(disk, journal.path) : undefined })
        } catch (error) {
          // The next close of the day sets aside what can never be read.
          if (!damaged.isLasting(journal.path, error)) throw error
        }
      }
      isWhole = (await closed.of(day)).revision === revision
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    } finally {
      if (!isWhole) closeAll(disk, files)
    }
    if (isWhole) return { contained, files }
  }
}

function openLater(disk: Disk, path: string): number {
  try {
    return openToRead(disk, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw storeError('The day was closed while its counts were read. Read them again.', error)
  }
}
