import fs from 'node:fs'
import { dirname } from 'node:path'
import { realDisk, writeWhole } from '../../packages/core/src/files/disk.ts'
import { encodeFrame, formatVersion, frameSeed, frameTypes } from '../../packages/core/src/files/frames.ts'
import { CountsEncoder } from '../../packages/core/src/journal/journal-counts.ts'
import {
  type JournalFile,
  type JournalHeader,
  journalPath,
} from '../../packages/core/src/journal/journal-files.ts'
import { encodePiece } from '../../packages/core/src/journal/journal-piece.ts'
import { inspectJournal, readTotals } from '../../packages/core/src/journal/journal-reader.ts'
import { beginSegment, finishSegment } from '../../packages/core/src/journal/journal-segment.ts'
import { batches, day } from './count-batch.ts'

export const journalId = '00000000000000aa-m0'

export function headerOf(changes: Partial<JournalHeader> = {}): JournalHeader {
  const common = { format: formatVersion, journalId, day, timeZone: 'UTC', host: 'host', boot: 'boot' }
  return { ...common, firstSequence: 1, ...changes }
}

/** What a journal file of a test contains. */
interface Contents {
  /** The segments of its name. */
  first: number
  last?: number
  header?: Partial<JournalHeader>
  /** The calls by user of each batch. */
  batches: readonly Record<string, number>[]
  isSealed?: boolean
}

/** Writes a journal file as the writer of a journal does. */
export async function writeJournalFile(dir: string, contents: Contents): Promise<JournalFile> {
  const { first, last = first, isSealed = false } = contents
  const header = headerOf(contents.header)
  const path = journalPath(dir, day, journalId, first, last)
  fs.mkdirSync(dirname(path), { recursive: true })
  const segment = beginSegment(realDisk, path, header)
  const encoder = new CountsEncoder()
  const batchOf = batches()
  const seed = frameSeed(journalId)
  let sequence = header.firstSequence
  const write = (frame: Buffer) => {
    writeWhole(realDisk, segment.file, frame, segment.size)
    segment.size += frame.length
  }
  for (const calls of contents.batches) {
    write(encodePiece(encoder, batchOf(calls), { from: 0, sequence, seed }).frame)
    sequence += 1
  }
  if (isSealed) write(encodeFrame(frameTypes.seal, Buffer.alloc(8), seed))
  await finishSegment(realDisk, segment)
  return { path, journalId, first, last }
}

/** The calls by user of a journal file, as far as it can be read. */
export async function callsInFile(file: JournalFile, after = 0): Promise<Record<string, number>> {
  const inspected = await inspectJournal(realDisk, file)
  const calls: Record<string, number> = {}
  const open = fs.openSync(file.path, 'r')
  try {
    for await (const slice of readTotals(realDisk, open, inspected, after)) {
      for (const { series, values } of slice) {
        const { userId } = series.identity
        calls[userId] = (calls[userId] ?? 0) + (values[0] ?? 0)
      }
    }
  } finally {
    fs.closeSync(open)
  }
  return calls
}
