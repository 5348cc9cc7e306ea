const firstSlots = 1_024
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Numbers texts in the order in which they first come. It stores UTF-8 bytes instead of strings: a million different texts take
 * half the memory of a Map of strings, and create no garbage.
 */
export class TextNumbers {
  length = 0
  #bytes = new Uint8Array(4_096)
  #ends = new Uint32Array(firstSlots)
  /** An open-addressing hash table: the number of a text plus one, or 0 for a free slot. */
  #slots = new Uint32Array(firstSlots)

  numberOf(text: string): number {
    const bytes = encoder.encode(text)
    return this.numberOfBytes(bytes, 0, bytes.length)
  }

  numberOfBytes(source: Uint8Array, from: number, end: number): number {
    let slot = hash(source, from, end) & (this.#slots.length - 1)
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const known = this.#slots[slot]! - 1
      if (this.#is(known, source, from, end)) return known
    }
    const number = this.length
    this.#append(source, from, end)
    this.#slots[slot] = number + 1
    if (this.length * 2 > this.#slots.length) this.#spread()
    return number
  }

  textOf(number: number): string {
    return decoder.decode(this.#bytes.subarray(this.#start(number), this.#ends[number]))
  }

  #start(number: number): number {
    return number === 0 ? 0 : this.#ends[number - 1]!
  }

  #is(number: number, source: Uint8Array, from: number, end: number): boolean {
    const start = this.#start(number)
    if (this.#ends[number]! - start !== end - from) return false
    // Compared from the end, because texts of one column differ most there.
    for (let at = end - from - 1; at >= 0; at -= 1) {
      if (this.#bytes[start + at] !== source[from + at]) return false
    }
    return true
  }

  #append(source: Uint8Array, from: number, end: number): void {
    const start = this.#start(this.length)
    const needed = start + end - from
    if (needed > this.#bytes.length) {
      const wider = new Uint8Array(needed * 2)
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    const bytes = this.#bytes
    for (let at = from; at < end; at += 1) bytes[start + at - from] = source[at]!
    this.#ends[this.length] = needed
    this.length += 1
  }

  #spread(): void {
    const slots = new Uint32Array(this.#slots.length * 4)
    for (let number = 0; number < this.length; number += 1) {
      let slot = hash(this.#bytes, this.#start(number), this.#ends[number]!) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = number + 1
    }
    this.#slots = slots
    const ends = new Uint32Array(slots.length)
    ends.set(this.#ends)
    this.#ends = ends
  }
}

/** Hashes four bytes at a time. The texts of one column differ in few places, and each must affect all bits of the hash. */
function hash(bytes: Uint8Array, from: number, end: number): number {
  let value = end - from
  let at = from
  for (; at + 3 < end; at += 4) {
    value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    value = Math.imul(value, 0x9e3779b1)
    value ^= value >>> 15
  }
  for (; at < end; at += 1) value = Math.imul(value ^ bytes[at]!, 0x9e3779b1)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  return value ^ (value >>> 13)
}
