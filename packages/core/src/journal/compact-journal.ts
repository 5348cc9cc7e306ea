import { createUnlimitedTable, type SeriesTable } from '../counting/series-table.ts'
import { type Disk, syncContent, syncFolder, writeLater } from '../files/disk.ts'
import { encodeFrame, frameSeed, frameTypes } from '../files/frames.ts'
import { withFile } from '../files/held-file.ts'
import type { CountBatch, UsageDay } from '../model/series.ts'
import { CountsEncoder } from './journal-counts.ts'
import {
  type JournalFile,
  type JournalHeader,
  journalFolder,
  journalPath,
  journalsOf,
  removeJournalFiles,
} from './journal-files.ts'
import { type InspectedFile, inspectJournal, readTotals } from './journal-reader.ts'

/** With more series the files stay as they are: compaction must not need more memory than counting does. */
const maxSeries = 250_000
/** Number of series in one write; the event loop takes a turn after each. */
const sliceSize = 250

/**
 * Replaces several complete files of a journal by one file with the sum of each series. Its name and its header say which files
 * it contains, so that a crash at any step leaves exact totals: from the moment the file has its name, readers skip the others.
 *
 * @returns whether there was something to compact
 */
export async function compactJournal(
  disk: Disk,
  dir: string,
  { day, journalId, lastSegment }: { day: UsageDay; journalId: string; lastSegment: number },
): Promise<boolean> {
  const all = journalsOf(disk, dir, day).get(journalId) ?? []
  const files: InspectedFile[] = []
  for (const file of all) if (file.last <= lastSegment) files.push(await inspectJournal(disk, file))
  const first = files[0]
  const last = files.at(-1)
  if (first?.header === undefined || last === undefined || first === last) return false
  // A damaged file is not compacted: the process that closes the day keeps and reports it.
  if (files.some(({ end, header }) => end.how !== 'clean' || header === undefined)) return false
  const totals = await sum(disk, files)
  if (totals === undefined) return false
  const compacted: JournalFile = {
    journalId,
    first: first.first,
    last: last.last,
    path: journalPath(dir, day, journalId, first.first, last.last),
  }
  await writeCompacted(disk, compacted.path, { ...first.header, upTo: last.lastSequence }, totals)
  await syncFolder(disk, journalFolder(dir, day))
  await removeJournalFiles(disk, journalFolder(dir, day), [compacted], 'contained')
  return true
}

/** Adds all files up in a table, which grows without copying itself. A Map with as many keys would block the event loop. */
async function sum(disk: Disk, files: readonly InspectedFile[]): Promise<SeriesTable | undefined> {
  const table = createUnlimitedTable()
  for (const inspected of files) {
    const isSmall = await withFile(disk, inspected.path, async (file) => {
      for await (const slice of readTotals(disk, file, inspected, 0)) {
        for (const { series, values } of slice) table.add(series, values)
        if (table.size > maxSeries) return false
      }
      return true
    })
    if (!isSmall) return undefined
  }
  return table
}

async function writeCompacted(
  disk: Disk,
  path: string,
  header: JournalHeader,
  totals: SeriesTable,
): Promise<void> {
  const aside = `${path}.tmp`
  const seed = frameSeed(header.journalId)
  const encoder = new CountsEncoder()
  const file = disk.openSync(aside, 'w', 0o600)
  try {
    let at = 0
    const write = async (frame: Buffer) => {
      await writeLater(disk, file, frame, at)
      at += frame.length
    }
    await write(encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0))
    for (let sequence = header.firstSequence; totals.changed > 0; sequence++) {
      const { size, forEach } = totals.take(sliceSize)
      const batch: CountBatch = {
        day: header.day,
        sequence,
        size,
        table: totals,
        forEach,
        describe: totals.describe,
      }
      encoder.begin(sequence)
      forEach((id, values) => encoder.gain(batch, id, values))
      await write(encodeFrame(frameTypes.counts, encoder.payload(), seed))
    }
    await syncContent(disk, file)
    disk.renameSync(aside, path)
  } catch (error) {
    disk.rmSync(aside, { force: true })
    throw error
  } finally {
    disk.closeSync(file)
  }
}
