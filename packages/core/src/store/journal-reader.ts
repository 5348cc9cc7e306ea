import { mergeValues } from '../counting/instruments.ts'
import { CountsDecoder } from '../counting/journal-counts.ts'
import { type Frame, frameHeadBytes, frameSeed, frameTypes } from '../counting/journal-frames.ts'
import { type Disk, readAt } from './disk.ts'
import { type FileEnd, readFrames } from './frame-file.ts'
import { formatVersion, type JournalFile, type JournalHeader } from './journal-files.ts'
import type { Instrument, SeriesTotal } from './store.ts'

/** What a journal file holds, as far as it can be read. */
export interface InspectedFile extends JournalFile {
  readonly header: JournalHeader | undefined
  /** A newer px-usage wrote it: not to be read, changed or removed. */
  readonly isNewer: boolean
  readonly lastSequence: number
  readonly end: FileEnd
}

const sealBytes = frameHeadBytes + 8

/** Runs `task` with an open file. */
async function withFile<T>(disk: Disk, path: string, task: (file: number) => Promise<T>): Promise<T> {
  const file = disk.openSync(path, 'r')
  try {
    return await task(file)
  } finally {
    disk.closeSync(file)
  }
}

/** The first frame alone. */
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

/** Whether the writer ended the file and will never write to it again. Reads its last bytes only. */
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

/** Checks every frame of a file, and tells how far it can be read and up to which sequence. */
export async function inspectJournal(disk: Disk, journal: JournalFile): Promise<InspectedFile> {
  return withFile(disk, journal.path, async (file) => {
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
  })
}

/**
 * What each series of a file gained in frames with a sequence above `after`. Reads the file twice, first for the numbers
 * and then for the names, so that only the numbers of one file are in memory.
 */
export async function* readTotals(
  disk: Disk,
  { path, header, end }: InspectedFile,
  after: number,
): AsyncGenerator<SeriesTotal> {
  if (header === undefined || (header.upTo !== undefined && header.upTo <= after)) return
  const upTo = header.upTo
  const file = disk.openSync(path, 'r')
  try {
    const totals = new Totals()
    let isCounted = true
    const numbers = new CountsDecoder({
      withSeries: false,
      onSeries: (instrument) => totals.add(instrument),
      onGain: (number, values) => {
        if (isCounted) totals.gain(number, values)
      },
    })
    await readFrames(
      disk,
      file,
      ({ type, payload }) => {
        if (type !== frameTypes.counts) return
        isCounted = upTo !== undefined || CountsDecoder.sequenceOf(payload) > after
        numbers.decode(payload)
      },
      { to: end.at },
    )
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
    let from = 0
    while (from < end.at) {
      // A slice at a time, so that what was read is used up before more is.
      const slice = await readFrames(
        disk,
        file,
        ({ type, payload }) => {
          if (found.length >= 1_000) return false
          if (type === frameTypes.counts) names.decode(payload)
          return
        },
        from === 0 ? { to: end.at } : { from, to: end.at, seed: frameSeed(header.journalId) },
      )
      from = slice.at
      yield* found
      found = []
    }
  } finally {
    disk.closeSync(file)
  }
}

/** A reading of `last` has its time beside it, which no measure names. */
function widthOf({ kind, measures }: Instrument): number {
  return kind === 'last' ? Math.max(2, measures.length) : measures.length
}

/** Values of the series of one file, by number; in one array, as they may be a million. */
class Totals {
  #values = new Float64Array(4_096)
  #offsets = new Uint32Array(1_024)
  #isTouched = new Uint8Array(1_024)
  readonly #instruments: Instrument[] = []
  #instrumentOf = new Uint16Array(1_024)
  #count = 0
  #used = 0

  add(instrument: Instrument): void {
    if (this.#count === this.#offsets.length) this.#growSeries()
    const length = widthOf(instrument)
    if (this.#used + length > this.#values.length) {
      const larger = new Float64Array(Math.max(this.#values.length * 2, this.#used + length))
      larger.set(this.#values)
      this.#values = larger
    }
    let index = this.#instruments.indexOf(instrument)
    if (index === -1) index = this.#instruments.push(instrument) - 1
    this.#offsets[this.#count] = this.#used
    this.#instrumentOf[this.#count] = index
    this.#used += length
    this.#count += 1
  }

  gain(number: number, values: readonly number[]): void {
    const instrument = this.#instrument(number)
    if (instrument === undefined) return
    const offset = this.#offsets[number] as number
    const has = this.#values.subarray(offset, offset + widthOf(instrument))
    if (instrument.kind === 'sum') {
      for (let measure = 0; measure < has.length; measure++) {
        const sum = (has[measure] as number) + (values[measure] ?? 0)
        has[measure] = Math.min(sum, Number.MAX_SAFE_INTEGER)
      }
    } else if (this.#isTouched[number] === 0) has.set(values.slice(0, has.length))
    else has.set(mergeValues(instrument, Array.from(has), values))
    this.#isTouched[number] = 1
  }

  of(number: number): readonly number[] | undefined {
    const instrument = this.#instrument(number)
    if (instrument === undefined || this.#isTouched[number] === 0) return undefined
    const offset = this.#offsets[number] as number
    return Array.from(this.#values.subarray(offset, offset + widthOf(instrument)))
  }

  #instrument(number: number): Instrument | undefined {
    return number < this.#count ? this.#instruments[this.#instrumentOf[number] as number] : undefined
  }

  #growSeries(): void {
    const size = this.#count * 2
    const offsets = new Uint32Array(size)
    offsets.set(this.#offsets)
    this.#offsets = offsets
    const touched = new Uint8Array(size)
    touched.set(this.#isTouched)
    this.#isTouched = touched
    const instrumentOf = new Uint16Array(size)
    instrumentOf.set(this.#instrumentOf)
    this.#instrumentOf = instrumentOf
  }
}
