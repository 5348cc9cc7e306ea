import { ByteReader, ByteWriter } from '../files/bytes.ts'
import type { CountBatch, Instrument, Properties, Series } from '../model/series.ts'

/*
 * Payload of a frame of counts: the sequence; then until the end, in any order,
 *   0, instrument as JSON                                       a new instrument, numbered from 0
 *   1, instrument, account?, user, properties, endpoint?        a new series, numbered from 0
 *   2 + distance to the previous series (zigzag), values        what a series gained, without zeros at the end
 * A text is 0 and the text, which gets a number from 0; or 1 and the text; or 2 + the number of an earlier text.
 * Numbers are valid within one file, so that every file can be read without the others.
 */

const newInstrument = 0
const newSeries = 1
const firstGain = 2
const numberedText = 0
const plainText = 1
const firstKnownText = 2

/** Limit of numbered texts. Further texts are written out each time, so that writer and reader stay small. */
const maxNumberedTexts = 20_000

/** Encodes batches for one file. It remembers which series the file describes. */
export class CountsEncoder {
  readonly #out = new ByteWriter(65_536)
  /** For each table of the meter: the number in this file + 1, by id of the series. */
  readonly #numbers = new WeakMap<object, Uint32Array>()
  /** The table of this payload, and its numbers. */
  #table: object | undefined
  #ofTable: Uint32Array = new Uint32Array(0)
  readonly #texts = new Map<string, number>()
  readonly #instruments = new Map<string, number>()
  readonly #propertyTexts = new WeakMap<Properties, string>()
  #lastNumber = 0
  #seriesCount = 0
  /** What `undo()` reverts. */
  #madeNumbers: Array<[numbers: Uint32Array, id: number]> = []
  #madeTexts: string[] = []
  #madeInstruments: string[] = []
  /** Bytes of the last frame that describe series. */
  describedBytes = 0

  /** Length of the payload so far. */
  get bytes(): number {
    return this.#out.length
  }

  /** Number of series that the payload describes so far. */
  get describedSeries(): number {
    return this.#madeNumbers.length
  }

  /** Starts a payload. What the previous payload described counts as written. */
  begin(sequence: number): void {
    this.#madeNumbers = []
    this.#madeTexts = []
    this.#madeInstruments = []
    this.#lastNumber = 0
    this.#table = undefined
    this.describedBytes = 0
    this.#out.clear()
    this.#out.varint(sequence)
  }

  /** Reverts a payload that could not be written: its series are described again by the next one. */
  undo(): void {
    for (const [numbers, id] of this.#madeNumbers) numbers[id] = 0
    for (const text of this.#madeTexts) this.#texts.delete(text)
    for (const text of this.#madeInstruments) this.#instruments.delete(text)
    this.#seriesCount -= this.#madeNumbers.length
  }

  gain(batch: CountBatch, id: number, gained: ArrayLike<number>): void {
    const numbers = this.#numbersOf(batch.table, id)
    if (numbers[id] === 0) {
      const before = this.#out.length
      this.#describe(batch.describe(id))
      this.describedBytes += this.#out.length - before
      this.#madeNumbers.push([numbers, id])
      this.#seriesCount += 1
      numbers[id] = this.#seriesCount
    }
    const number = (numbers[id] as number) - 1
    const distance = number - this.#lastNumber
    this.#lastNumber = number
    this.#out.varint(firstGain + (distance < 0 ? distance * -2 - 1 : distance * 2))
    this.#values(gained)
  }

  payload(): Buffer {
    return this.#out.written()
  }

  #values(gained: ArrayLike<number>): void {
    let length = gained.length
    while (length > 0 && gained[length - 1] === 0) length -= 1
    this.#out.varint(length)
    for (let measure = 0; measure < length; measure++) this.#out.number(gained[measure] as number)
  }

  #numbersOf(table: object, id: number): Uint32Array {
    if (table === this.#table && id < this.#ofTable.length) return this.#ofTable
    let numbers = this.#numbers.get(table)
    if (numbers === undefined || id >= numbers.length) {
      const larger = new Uint32Array(Math.max(64, id + 1, (numbers?.length ?? 0) * 2))
      if (numbers !== undefined) larger.set(numbers)
      // `undo()` must reset entries in the larger array, not in the one that it replaces.
      for (const made of this.#madeNumbers) if (made[0] === numbers) made[0] = larger
      numbers = larger
      this.#numbers.set(table, numbers)
    }
    this.#table = table
    this.#ofTable = numbers
    return numbers
  }

  #describe({ instrument, identity, properties, endpoint }: Series): void {
    const number = this.#instrument(instrument)
    this.#out.varint(newSeries)
    this.#out.varint(number)
    this.#out.varint((identity.accountId === undefined ? 0 : 1) + (endpoint === undefined ? 0 : 2))
    if (identity.accountId !== undefined) this.#text(identity.accountId)
    this.#text(identity.userId)
    this.#text(this.#propertyText(properties))
    if (endpoint === undefined) return
    this.#text(endpoint.method)
    this.#text(endpoint.route)
  }

  #instrument({ name, kind, measures }: Instrument): number {
    const text = JSON.stringify([name, kind, measures])
    let number = this.#instruments.get(text)
    if (number !== undefined) return number
    number = this.#instruments.size
    this.#instruments.set(text, number)
    this.#madeInstruments.push(text)
    this.#out.varint(newInstrument)
    this.#out.text(text)
    return number
  }

  #propertyText(properties: Properties): string {
    let text = this.#propertyTexts.get(properties)
    if (text === undefined) {
      text = JSON.stringify(properties)
      this.#propertyTexts.set(properties, text)
    }
    return text
  }

  #text(text: string): void {
    const number = this.#texts.get(text)
    if (number !== undefined) {
      this.#out.varint(firstKnownText + number)
      return
    }
    if (this.#texts.size < maxNumberedTexts) {
      this.#texts.set(text, this.#texts.size)
      this.#madeTexts.push(text)
      this.#out.varint(numberedText)
    } else {
      this.#out.varint(plainText)
    }
    this.#out.text(text)
  }
}

/** Decodes the frames of counts of one file in their order. A frame may be read in steps, as it may have thousands of series. */
export class CountsDecoder {
  readonly instruments: Instrument[] = []
  /** Instrument of a series, by number. */
  readonly #texts: string[] = []
  readonly #properties: Array<Properties | undefined> = []
  #input = new ByteReader(Buffer.alloc(0))
  /** Number of the series whose gain was read last. */
  #number = 0
  #values: number[] = []
  readonly #onSeries: (instrument: Instrument, series: Series | undefined) => void
  readonly #onGain: (number: number, values: readonly number[]) => void
  readonly #withSeries: boolean

  /**
   * @param visitor.withSeries if false, descriptions are skipped and `onSeries` gets only the instrument
   * @param visitor.onGain gets an array that is reused for the next gain
   */
  constructor(visitor: {
    withSeries: boolean
    onSeries(instrument: Instrument, series: Series | undefined): void
    onGain(number: number, values: readonly number[]): void
  }) {
    this.#withSeries = visitor.withSeries
    this.#onSeries = visitor.onSeries
    this.#onGain = visitor.onGain
  }

  static sequenceOf(payload: Buffer): number {
    return new ByteReader(payload).varint()
  }

  begin(payload: Buffer): void {
    this.#input = new ByteReader(payload)
    this.#input.varint()
    this.#number = 0
  }

  /** Reads up to `most` entries of the payload; a new series and its gain are two entries. @returns the number of entries read */
  step(most: number): number {
    const input = this.#input
    let read = 0
    for (; read < most && !input.isAtEnd; read++) {
      const what = input.varint()
      if (what === newInstrument) this.instruments.push(readInstrument(input.text()))
      else if (what === newSeries) this.#series(input)
      else this.#gain(input, what - firstGain)
    }
    return read
  }

  #gain(input: ByteReader, zigzag: number): void {
    this.#number += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    const length = input.varint()
    if (this.#values.length !== length) this.#values = new Array(length)
    for (let measure = 0; measure < length; measure++) this.#values[measure] = input.number()
    this.#onGain(this.#number, this.#values)
  }

  #series(input: ByteReader): void {
    const instrument = this.instruments[input.varint()]
    if (instrument === undefined) throw new Error('a series of an instrument that was never described')
    const flags = input.varint()
    const texts = 2 + (flags % 2) + (flags >= 2 ? 2 : 0)
    if (!this.#withSeries) {
      for (let text = 0; text < texts; text++) {
        if (input.varint() < firstKnownText) input.skipText()
      }
      this.#onSeries(instrument, undefined)
      return
    }
    const accountId = flags % 2 === 1 ? this.#text(input) : undefined
    const userId = this.#text(input)
    const properties = this.#readProperties(input)
    const endpoint = flags >= 2 ? { method: this.#text(input), route: this.#text(input) } : undefined
    const identity = accountId === undefined ? { userId } : { userId, accountId }
    this.#onSeries(instrument, { instrument, identity, properties, endpoint })
  }

  #readProperties(input: ByteReader): Properties {
    const tag = input.varint()
    if (tag < firstKnownText) {
      const properties = JSON.parse(this.#newText(input, tag)) as Properties
      if (tag === numberedText) this.#properties[this.#texts.length - 1] = properties
      return properties
    }
    const number = tag - firstKnownText
    const known = this.#properties[number] ?? (JSON.parse(this.#knownText(tag)) as Properties)
    this.#properties[number] = known
    return known
  }

  #text(input: ByteReader): string {
    const tag = input.varint()
    return tag < firstKnownText ? this.#newText(input, tag) : this.#knownText(tag)
  }

  #newText(input: ByteReader, tag: number): string {
    const text = input.text()
    if (tag === numberedText) this.#texts.push(text)
    return text
  }

  #knownText(tag: number): string {
    const text = this.#texts[tag - firstKnownText]
    if (text === undefined) throw new Error('a text that was never written')
    return text
  }
}

function readInstrument(text: string): Instrument {
  const [name, kind, measures] = JSON.parse(text) as [string, Instrument['kind'], string[]]
  return { name, kind, measures }
}
