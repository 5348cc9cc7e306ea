import { mergeValues } from '../counting/instruments.ts'
import type { Instrument } from '../model/series.ts'

const seriesPerPiece = 4_096
const valuesPerPiece = 16_384

interface SeriesPiece {
  /** Index of the first value of each series. */
  readonly offsets: Uint32Array
  /** Index of the instrument of each series. */
  readonly instruments: Uint16Array
  readonly isTouched: Uint8Array
}

/**
 * Adds up the values of series, by number. They are in typed arrays, because there may be a million, and in
 * pieces, because copying one array that doubles would block the event loop.
 */
export class SeriesSums {
  readonly #instruments: Instrument[] = []
  readonly #series: SeriesPiece[] = []
  readonly #values: Float64Array[] = []
  #size = 0
  #used = 0

  get size(): number {
    return this.#size
  }

  /** Adds the next series. */
  add(instrument: Instrument): void {
    const at = this.#size % seriesPerPiece
    if (at === 0) this.#series.push(newPiece())
    let index = this.#instruments.indexOf(instrument)
    if (index === -1) index = this.#instruments.push(instrument) - 1
    const piece = this.#series.at(-1) as SeriesPiece
    piece.instruments[at] = index
    piece.offsets[at] = this.#reserve(widthOf(instrument))
    this.#size += 1
  }

  gain(number: number, values: ArrayLike<number>): void {
    if (number >= this.#size) return
    const piece = this.#series[Math.floor(number / seriesPerPiece)] as SeriesPiece
    const at = number % seriesPerPiece
    const instrument = this.#instruments[piece.instruments[at] as number] as Instrument
    const offset = piece.offsets[at] as number
    const into = this.#values[Math.floor(offset / valuesPerPiece)] as Float64Array
    const start = offset % valuesPerPiece
    const width = widthOf(instrument)
    if (instrument.kind === 'sum') {
      for (let measure = 0; measure < width; measure++) {
        const sum = (into[start + measure] as number) + (values[measure] ?? 0)
        into[start + measure] = Math.min(sum, Number.MAX_SAFE_INTEGER)
      }
    } else {
      const has = piece.isTouched[at] === 1 ? this.of(number) : undefined
      const merged = has === undefined ? values : mergeValues(instrument, has, values)
      for (let measure = 0; measure < width; measure++) into[start + measure] = merged[measure] ?? 0
    }
    piece.isTouched[at] = 1
  }

  /** Returns the values of a series, or `undefined` if it gained nothing. */
  of(number: number): number[] | undefined {
    if (number >= this.#size) return undefined
    const piece = this.#series[Math.floor(number / seriesPerPiece)] as SeriesPiece
    const at = number % seriesPerPiece
    if (piece.isTouched[at] === 0) return undefined
    const width = widthOf(this.#instruments[piece.instruments[at] as number] as Instrument)
    const offset = piece.offsets[at] as number
    const from = this.#values[Math.floor(offset / valuesPerPiece)] as Float64Array
    const start = offset % valuesPerPiece
    const values: number[] = []
    for (let measure = 0; measure < width; measure++) values.push(from[start + measure] as number)
    return values
  }

  /** Reserves room for the values of a series within one piece. @returns its offset */
  #reserve(width: number): number {
    const left = this.#values.length * valuesPerPiece - this.#used
    if (left < width) {
      this.#used += left
      this.#values.push(new Float64Array(valuesPerPiece))
    }
    const offset = this.#used
    this.#used += width
    return offset
  }
}

function newPiece(): SeriesPiece {
  return {
    offsets: new Uint32Array(seriesPerPiece),
    instruments: new Uint16Array(seriesPerPiece),
    isTouched: new Uint8Array(seriesPerPiece),
  }
}

/** Returns the number of values: a reading of kind `last` also has its time, which no measure names. */
function widthOf({ kind, measures }: Instrument): number {
  return kind === 'last' ? Math.max(2, measures.length) : measures.length
}
