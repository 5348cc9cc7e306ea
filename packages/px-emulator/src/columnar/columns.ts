import type { TextNumbers } from './text-numbers.ts'

type Numbers = Uint8Array | Uint16Array | Int32Array | Float64Array

const widths = [Uint8Array, Uint16Array, Int32Array, Float64Array] as const
const firstRows = 8

/** Numbers in 1, 2, 4 or 8 bytes each: as few as the widest of them needs. */
export class NumberColumn {
  length = 0
  #values: Numbers = new Uint8Array(firstRows)
  #width = 0

  push(value: number): void {
    if (this.length === this.#values.length) this.#move(Math.ceil(this.length * 1.5))
    this.#values[this.length] = value
    while (!Object.is(this.#values[this.length], value)) {
      this.#width += 1
      this.#move(this.#values.length)
      this.#values[this.length] = value
    }
    this.length += 1
  }

  at(row: number): number {
    return this.#values[row]!
  }

  #move(rows: number): void {
    const wider = new widths[this.#width]!(rows)
    wider.set(this.#values)
    this.#values = wider
  }
}

/** Different texts, each stored once and numbered. */
export class Dictionary {
  readonly texts: string[] = []
  readonly #codes = new Map<string, number>()

  code(text: string): number {
    let code = this.#codes.get(text)
    if (code === undefined) {
      code = this.texts.length
      this.texts.push(text)
      this.#codes.set(text, code)
    }
    return code
  }
}

/** Number of different texts up to which a dictionary is small, whatever share of the rows it covers. */
const smallDictionary = 4_096

/** Texts by their number in a dictionary or, if most of them differ, as plain bytes. */
export class TextColumn {
  length = 0
  /** `undefined` once the texts are stored as plain bytes. */
  dictionary: Dictionary | undefined
  readonly #shared: boolean
  #codes = new NumberColumn()
  #bytes = new Uint8Array(0)
  #ends = new NumberColumn()

  /** @param shared a dictionary of several columns; the texts are then never stored as plain bytes */
  constructor(shared?: Dictionary) {
    this.#shared = shared !== undefined
    this.dictionary = shared ?? new Dictionary()
  }

  push(text: string): void {
    if (this.dictionary === undefined) this.#append(text)
    else this.#codes.push(this.dictionary.code(text))
    this.length += 1
    const distinct = this.dictionary?.texts.length ?? 0
    if (!this.#shared && distinct > smallDictionary && distinct > this.length / 2) this.#spread()
  }

  at(row: number): string {
    if (this.dictionary !== undefined) return this.dictionary.texts[this.#codes.at(row)]!
    const from = this.#start(row)
    return Buffer.from(this.#bytes.buffer, from, this.#ends.at(row) - from).toString('utf8')
  }

  /** Returns the number of the row's text in `numbers`, without creating a string. Only valid without a dictionary. */
  numberAmong(numbers: TextNumbers, row: number): number {
    return numbers.numberOfBytes(this.#bytes, this.#start(row), this.#ends.at(row))
  }

  /** Returns the number of the row's text in the dictionary. */
  code(row: number): number {
    return this.#codes.at(row)
  }

  #start(row: number): number {
    return row === 0 ? 0 : this.#ends.at(row - 1)
  }

  #spread(): void {
    const { texts } = this.dictionary!
    this.dictionary = undefined
    for (let row = 0; row < this.length; row += 1) this.#append(texts[this.#codes.at(row)]!)
    this.#codes = new NumberColumn()
  }

  #append(text: string): void {
    const from = this.#start(this.#ends.length)
    const end = from + Buffer.byteLength(text)
    if (end > this.#bytes.length) {
      const wider = new Uint8Array(Math.ceil(end * 1.5))
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    Buffer.from(this.#bytes.buffer).write(text, from)
    this.#ends.push(end)
  }
}

/** UUIDs in 16 bytes each. */
export class UuidColumn {
  length = 0
  #bytes = Buffer.alloc(16 * firstRows)

  push(uuid: string): void {
    if ((this.length + 1) * 16 > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(Math.ceil(this.length / 2) * 16)])
    }
    this.#bytes.write(uuid.replaceAll('-', ''), this.length * 16, 'hex')
    this.length += 1
  }

  at(row: number): string {
    const hex = this.#bytes.toString('hex', row * 16, row * 16 + 16)
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}
