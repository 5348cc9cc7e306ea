/** A set of small whole numbers, one bit for each. */
export class BitSet {
  #bytes: Uint8Array
  #size = 0

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes
    for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) this.#size += 1
  }

  get size(): number {
    return this.#size
  }

  has(index: number): boolean {
    return ((this.#bytes[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }

  add(index: number): void {
    if (this.has(index)) return
    this.#size += 1
    if (index >> 3 >= this.#bytes.length) {
      const larger = new Uint8Array(Math.max(64, ((index >> 3) + 1) * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[index >> 3] = (this.#bytes[index >> 3] as number) | (1 << (index & 7))
  }

  toString(): string {
    return Buffer.from(this.#bytes).toString('base64')
  }
}
