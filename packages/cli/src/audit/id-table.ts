import { createHash } from 'node:crypto'

/** Words of 32 bits of a key, and one for the number. */
const keyWords = 4
const entryWords = keyWords + 1
const smallest = 1_024
/** The table grows when this share of its places is used. */
const fullest = 0.7
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/**
 * Numbers by id, for a million ids and more: 20 bytes a place, and 29 to 57 bytes an id. A `Map` takes five times that.
 *
 * A UUID is its own key. Another id is known by the first 128 bits of its SHA-256, so two ids are never taken for one.
 */
export class IdTable {
  #places = smallest
  #words = new Uint32Array(smallest * entryWords)
  /** One byte a place: 1 if it is used. */
  #used = new Uint8Array(smallest)
  #size = 0
  readonly #key = new Uint32Array(keyWords)

  get size(): number {
    return this.#size
  }

  /** Adds an id with the number 0, unless it is there. */
  add(id: unknown): void {
    this.place(id)
  }

  /** Returns the place of an id, which is added with the number 0 if it is new. It is valid until the next id is added. */
  place(id: unknown): number {
    const found = this.find(id)
    if (found !== -1) return found
    if (this.#size + 1 > this.#places * fullest) this.#grow()
    const place = this.#search(this.#key)
    this.#used[place] = 1
    this.#words.set(this.#key, place * entryWords)
    this.#size += 1
    return place
  }

  /** Returns the place of an id, or -1. */
  find(id: unknown): number {
    this.#setKey(id)
    const place = this.#search(this.#key)
    return this.#used[place] === 1 ? place : -1
  }

  /** Returns the number at a place. */
  at(place: number): number {
    return this.#words[place * entryWords + keyWords] as number
  }

  /** Sets the number at a place, from 0 to 2^32 - 1. */
  set(place: number, number: number): void {
    this.#words[place * entryWords + keyWords] = number
  }

  #setKey(id: unknown): void {
    const isUuid = typeof id === 'string' && uuid.test(id)
    // The type is part of the digest, so that the number 5 is not the text "5".
    const hex = isUuid
      ? id.replaceAll('-', '')
      : createHash('sha256')
          .update(`${typeof id}:${String(id)}`)
          .digest('hex')
    for (let word = 0; word < keyWords; word++) {
      this.#key[word] = Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16)
    }
  }

  /** Returns the place of a key, or the free place where it belongs. */
  #search(key: Uint32Array): number {
    const mask = this.#places - 1
    // Ids of a bad generator may share some bits, so all words decide.
    let place =
      (Math.imul(key[0] as number, 0x9e3779b1) ^
        Math.imul(key[1] as number, 0x85ebca6b) ^
        (key[2] as number) ^
        (key[3] as number)) >>>
      0
    place = (place ^ (place >>> 15)) & mask
    while (this.#used[place] === 1 && !this.#isAt(place, key)) place = (place + 1) & mask
    return place
  }

  #isAt(place: number, key: Uint32Array): boolean {
    const from = place * entryWords
    return (
      this.#words[from] === key[0] &&
      this.#words[from + 1] === key[1] &&
      this.#words[from + 2] === key[2] &&
      this.#words[from + 3] === key[3]
    )
  }

  #grow(): void {
    const [words, used, places] = [this.#words, this.#used, this.#places]
    this.#places = places * 2
    this.#words = new Uint32Array(this.#places * entryWords)
    this.#used = new Uint8Array(this.#places)
    for (let old = 0; old < places; old++) {
      if (used[old] !== 1) continue
      const entry = words.subarray(old * entryWords, (old + 1) * entryWords)
      const place = this.#search(entry)
      this.#used[place] = 1
      this.#words.set(entry, place * entryWords)
    }
  }
}
