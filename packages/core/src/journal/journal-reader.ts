import { eventLoopTurn } from '../clock.ts'
import { type Disk, readAt } from '../files/disk.ts'
import { type FileEnd, FrameReader, readFrames } from '../files/frame-file.ts'
import { type Frame, formatVersion, frameHeadBytes, frameSeed, frameTypes } from '../files/frames.ts'
import { withFile } from '../files/held-file.ts'
import type { SeriesTotal } from '../model/series.ts'
import { CountsDecoder } from './journal-counts.ts'
import type { JournalFile, JournalHeader } from './journal-files.ts'
import { SeriesSums } from './series-sums.ts'

/** What was found in a journal file, as far as it can be read. */
export interface InspectedFile extends JournalFile {
  readonly header: JournalHeader | undefined
  /** A newer px-usage wrote the file, so this one must not read, change or remove it. */
  readonly isNewer: boolean
  readonly lastSequence: number
  readonly end: FileEnd
}

const sealBytes = frameHeadBytes + 8
/**
 * Number of entries that are decoded before the event loop takes a turn; a new series and its gain are two. It is a quarter of
 * a millisecond's work, some milliseconds while the code is cold. Twice as many are not faster.
 */
const entriesPerTurn = 250

/** Reads only the first frame of a file. */
export async function readJournalHeader(disk: Disk, path: string): Promise<JournalHeader | undefined> {
  return withFile(disk, path, async (file) => {
    let header: JournalHeader | undefined
    await readFrames(disk, file, ({ type, payload }) => {
      if (type === frameTypes.header) header = JSON.parse(payload.toString()) as JournalHeader
      return false
    })
    return header
  })
}

/** Returns whether the writer sealed the file and will never write to it again. Reads only its last bytes. */
export async function isSealed(disk: Disk, { path, journalId }: JournalFile): Promise<boolean> {
  return withFile(disk, path, async (file) => {
    const { size } = disk.fstatSync(file)
    if (size < sealBytes) return false
    let sealed = false
    const seed = frameSeed(journalId)
    const from = size - sealBytes
    if ((await readAt(disk, file, from + 5, 1))[0] !== frameTypes.seal) return false
    const look = ({ type }: Frame): undefined => {
      sealed = type === frameTypes.seal
    }
    await readFrames(disk, file, look, { from, seed })
    return sealed
  })
}

/** Checks every frame of a file. Returns how far it can be read, and up to which sequence. */
export function inspectJournal(disk: Disk, journal: JournalFile): Promise<InspectedFile> {
  return withFile(disk, journal.path, (file) => inspectOpenJournal(disk, journal, file))
}

/** Checks an open file as `inspectJournal` does. */
export async function inspectOpenJournal(
  disk: Disk,
  journal: JournalFile,
  file: number,
): Promise<InspectedFile> {
  let header: JournalHeader | undefined
  let lastSequence = 0
  let isNewer = false
  let isBroken = false
  const end = await readFrames(disk, file, ({ type, payload }) => {
    if (type === frameTypes.header && header === undefined) {
      header = JSON.parse(payload.toString()) as JournalHeader
      isNewer = header.format > formatVersion
      lastSequence = header.firstSequence - 1
      return !isNewer
    }
    if (type !== frameTypes.counts) return
    const sequence = CountsDecoder.sequenceOf(payload)
    isBroken = header === undefined || sequence !== lastSequence + 1
    if (isBroken) return false
    lastSequence = sequence
    return true
  })
  return {
    ...journal,
    header,
    isNewer,
    lastSequence: header?.upTo ?? lastSequence,
    end: isBroken ? { at: end.at, how: 'damaged' } : end,
  }
}

/**
 * Yields what each series of an open file gained in frames with a sequence above `after`, in slices between which the event
 * loop takes a turn. It reads the file twice, first the values and then the series, so that only the values of one file are
 * in memory.
 */
export async function* readTotals(
  disk: Disk,
  file: number,
  { header, end }: InspectedFile,
  after: number,
): AsyncGenerator<readonly SeriesTotal[]> {
  if (header === undefined || (header.upTo !== undefined && header.upTo <= after)) return
  const upTo = header.upTo
  const totals = new SeriesSums()
  let isCounted = true
  const numbers = new CountsDecoder({
    withSeries: false,
    onSeries: (instrument) => totals.add(instrument),
    onGain: (number, values) => {
      if (isCounted) totals.gain(number, values)
    },
  })
  const onFrame = (payload: Buffer) => {
    isCounted = upTo !== undefined || CountsDecoder.sequenceOf(payload) > after
  }
  for await (const _ of decodeInSteps(disk, file, end.at, numbers, onFrame));

  let found: SeriesTotal[] = []
  let number = 0
  const names = new CountsDecoder({
    withSeries: true,
    onSeries: (_, series) => {
      const values = totals.of(number)
      number += 1
      if (series !== undefined && values !== undefined) found.push({ series, values })
    },
    onGain() {},
  })
  for await (const _ of decodeInSteps(disk, file, end.at, names)) {
    if (found.length > 0) yield found
    found = []
    // Only gains follow, which the first pass has read.
    if (number === totals.size) return
  }
  yield found
}

/** Decodes the counts of a file and yields after each step. The event loop takes a turn before the next step. */
async function* decodeInSteps(
  disk: Disk,
  file: number,
  to: number,
  decoder: CountsDecoder,
  onFrame?: (payload: Buffer) => void,
): AsyncGenerator<void> {
  const reader = new FrameReader(disk, file, { to })
  let left = entriesPerTurn
  while (await reader.readOn()) {
    for (let frame = reader.take(); frame; frame = reader.take()) {
      if (frame.type !== frameTypes.counts) continue
      onFrame?.(frame.payload)
      decoder.begin(frame.payload)
      left -= decoder.step(left)
      while (left === 0) {
        yield
        await eventLoopTurn()
        left = entriesPerTurn
        left -= decoder.step(left)
      }
    }
  }
}

/** Yields the items of slices one by one. It is no generator, because a second generator adds half a microsecond to each series. */
export function oneByOne<T>(slices: AsyncGenerator<readonly T[]>): AsyncIterableIterator<T> {
  let slice: readonly T[] = []
  let at = 0
  async function nextSlice(): Promise<IteratorResult<T>> {
    at = 0
    for (slice = []; slice.length === 0; ) {
      const next = await slices.next()
      if (next.done) return { done: true, value: undefined }
      slice = next.value
    }
    return { done: false, value: slice[at++] as T }
  }
  return {
    next: () => (at < slice.length ? Promise.resolve({ done: false, value: slice[at++] as T }) : nextSlice()),
    async return() {
      slice = []
      await slices.return(undefined)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
