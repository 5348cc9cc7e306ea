/** Thrown when the bytes end before the value does. */
class EndOfBytes extends Error {}

/** Writes numbers and texts one after the other into a growing buffer, which is reused after `clear()`. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0

  constructor(size = 4_096) {
    this.#bytes = Buffer.allocUnsafe(size)
  }

  get length(): number {
    return this.#at
  }

  clear(): void {
    this.#at = 0
  }

  /** Returns what was written; valid until the next write or `clear()`. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }

  /** Writes a safe integer of at least 0 with seven bits in each byte, lowest bits first. */
  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80)
    }
    this.#bytes[this.#at++] = rest
  }

  /** Writes any number: a small integer of at least 0 takes one byte, a number that is no such integer takes nine. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 52 && !Object.is(value, -0)) {
      this.varint(value * 2)
      return
    }
    this.varint(1)
    this.#reserve(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Writes length and encoding, then the text as UTF-8, or as UTF-16 if it has lone surrogates, which UTF-8 cannot carry. */
  text(text: string): void {
    const encoding = text.isWellFormed() ? 'utf8' : 'utf16le'
    const length = Buffer.byteLength(text, encoding)
    this.varint(length * 2 + (encoding === 'utf8' ? 0 : 1))
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at, length, encoding)
  }
}

/** Reads what a `ByteWriter` wrote. @throws {EndOfBytes} if a value is incomplete */
export class ByteReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw new EndOfBytes()
    this.#at += length
    return at
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#take(1)] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  number(): number {
    const value = this.varint()
    return value === 1 ? this.#bytes.readDoubleLE(this.#take(8)) : value / 2
  }

  bytes(): Buffer {
    const length = this.varint()
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(): string {
    const head = this.varint()
    const length = Math.floor(head / 2)
    const at = this.#take(length)
    return this.#bytes.toString(head % 2 === 0 ? 'utf8' : 'utf16le', at, at + length)
  }

  skipText(): void {
    this.#take(Math.floor(this.varint() / 2))
  }
}
