/** Most values that a series can have: `apiCalls`, `clientErrors`, `serverErrors`, `aborted`. */
export const valuesPerRow = 4

/** The changed rows that were taken: for each series its id, then `valuesPerRow` values. */
export type TakenRows = Float64Array

/**
 * Stores the numbers of all series: a hash table from (identity, dimension) to a row, in typed arrays.
 *
 * A series takes 40 bytes for its row, up to 11 for its slot, and 4 while it waits to be taken. Growing copies only one part
 * of the slots at a time. A Map with joined keys takes 285 bytes for a series (test/bench).
 */
export interface SeriesRows {
  readonly size: number
  /** Number of rows that changed since they were taken. */
  readonly changed: number
  /** Returns the id of a series, -1 if there is none. */
  find(identity: number, dimension: number): number
  /** Adds a series that does not exist yet. @returns its id; ids rise by one from 0 */
  make(identity: number, dimension: number): number
  identityOf(id: number): number
  dimensionsOf(id: number): number
  valueOf(id: number, measure: number): number
  /** Adds to a value and marks the row as changed. @returns the new value, which may be too large to be exact */
  add(id: number, measure: number, gained: number): number
  /** Sets a value and marks the row as changed. */
  setValue(id: number, measure: number, value: number): void
  hasChanged(id: number): boolean
  /** Copies up to `max` changed rows and sets their values to 0, in the order in which they changed. */
  take(max: number): TakenRows
}

const chunkBits = 12
const rowsPerChunk = 1 << chunkBits
/** A row consists of its key and its values. */
const rowLength = 1 + valuesPerRow
/** A key is `identity * maxDimensions + dimension + 1`, exact up to 2^31 identities. It is negative while the row waits to be taken. */
const maxDimensions = 2 ** 22

/**
 * Bits of a hash that choose one of the parts. A table with few series has only one, whose head stays in the caches of the processor
 * while it serves requests.
 */
const partBits = 6
const leastSlots = 16
/** The only part is split when it has so many slots and is half full. Measured: 1 ms. */
const mostSlotsInOne = 16_384

/** Creates an empty table. */
export function createSeriesRows(): SeriesRows {
  const chunks: Float64Array[] = []
  /** Open addressing: a slot contains id + 1, or 0 if it is empty. */
  let slots = [new Int32Array(leastSlots)]
  /** By part: how many of its slots are in use. */
  let used = new Int32Array(1)
  let bits = 0
  const changedIds = createIdList()
  let size = 0

  const chunkOf = (id: number) => chunks[id >>> chunkBits] as Float64Array
  const offsetOf = (id: number) => (id & (rowsPerChunk - 1)) * rowLength
  const keyOf = (id: number) => Math.abs(chunkOf(id)[offsetOf(id)] as number) - 1
  // Integers, for V8 too. The remainder of two doubles would be a call of the C library.
  const identityOf = (id: number) => (keyOf(id) / maxDimensions) | 0
  const dimensionsOf = (id: number) => (keyOf(id) - identityOf(id) * maxDimensions) | 0

  const hashOfRow = (id: number) => hashOf(identityOf(id), dimensionsOf(id))

  function noteChange(chunk: Float64Array, at: number, id: number): void {
    const key = chunk[at] as number
    if (key < 0) return
    chunk[at] = -key
    changedIds.push(id)
  }

  function emptySlot(ofPart: Int32Array, hash: number): number {
    const mask = ofPart.length - 1
    let slot = (hash >>> bits) & mask
    while (ofPart[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  function grow(part: number): void {
    const small = slots[part] as Int32Array
    const large = new Int32Array(small.length * 2)
    for (const entry of small) {
      if (entry !== 0) large[emptySlot(large, hashOfRow(entry - 1))] = entry
    }
    slots[part] = large
  }

  function split(): void {
    bits = partBits
    slots = Array.from({ length: 1 << bits }, () => new Int32Array(mostSlotsInOne >> bits))
    used = new Int32Array(slots.length)
    for (let id = 0; id < size; id++) insert(id)
  }

  function insert(id: number): void {
    const hash = hashOfRow(id)
    let part = hash & (slots.length - 1)
    if (isFull(part)) {
      if (slots.length === 1 && slots[0]?.length === mostSlotsInOne) {
        split()
        part = hash & (slots.length - 1)
      } else grow(part)
    }
    const ofPart = slots[part] as Int32Array
    ofPart[emptySlot(ofPart, hash)] = id + 1
    used[part] = (used[part] as number) + 1
  }

  /**
   * Returns whether a part must grow, at a half to three quarters of its slots. The parts fill evenly, so with one threshold all of
   * them would grow within the same few thousand series.
   */
  function isFull(part: number): boolean {
    const { length } = slots[part] as Int32Array
    return (used[part] as number) >= length * (0.5 + part / (4 * slots.length))
  }

  return {
    get size() {
      return size
    },
    get changed() {
      return changedIds.length
    },

    find(identity, dimension) {
      const key = identity * maxDimensions + dimension + 1
      const hash = hashOf(identity, dimension)
      const ofPart = slots[hash & (slots.length - 1)] as Int32Array
      const mask = ofPart.length - 1
      for (let slot = (hash >>> bits) & mask; ; slot = (slot + 1) & mask) {
        const id = (ofPart[slot] as number) - 1
        if (id === -1 || Math.abs(chunkOf(id)[offsetOf(id)] as number) === key) return id
      }
    },

    make(identity, dimension) {
      const id = size
      if (offsetOf(id) === 0) chunks.push(new Float64Array(rowsPerChunk * rowLength))
      chunkOf(id)[offsetOf(id)] = identity * maxDimensions + dimension + 1
      insert(id)
      size += 1
      return id
    },

    identityOf,
    dimensionsOf,
    hasChanged: (id) => (chunkOf(id)[offsetOf(id)] as number) < 0,
    valueOf: (id, measure) => chunkOf(id)[offsetOf(id) + 1 + measure] as number,

    add(id, measure, gained) {
      const chunk = chunkOf(id)
      const at = offsetOf(id)
      const sum = (chunk[at + 1 + measure] as number) + gained
      chunk[at + 1 + measure] = sum
      noteChange(chunk, at, id)
      return sum
    },

    setValue(id, measure, value) {
      const chunk = chunkOf(id)
      const at = offsetOf(id)
      chunk[at + 1 + measure] = value
      noteChange(chunk, at, id)
    },

    take(max) {
      const taken = new Float64Array(Math.min(max, changedIds.length) * rowLength)
      for (let to = 0; to < taken.length; to += rowLength) {
        const id = changedIds.shift()
        const chunk = chunkOf(id)
        const from = offsetOf(id)
        taken[to] = id
        for (let value = 1; value < rowLength; value++) {
          taken[to + value] = chunk[from + value] as number
          chunk[from + value] = 0
        }
        chunk[from] = -(chunk[from] as number)
      }
      return taken
    },
  }
}

function hashOf(identity: number, dimension: number): number {
  let hash = Math.imul(identity, 0x9e3779b1) ^ Math.imul(dimension, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) & 0x7fffffff
}

/** A list of ids, first in, first out. It consists of pieces that are released when they are read. */
function createIdList() {
  const pieceLength = 4_096
  const pieces: Int32Array[] = []
  let head = 0
  let tail = 0
  let length = 0
  return {
    get length() {
      return length
    },
    push(id: number) {
      if (tail === pieces.length * pieceLength) pieces.push(new Int32Array(pieceLength))
      ;(pieces[Math.trunc(tail / pieceLength)] as Int32Array)[tail % pieceLength] = id
      tail += 1
      length += 1
    },
    /** Returns the first id and removes it. The list must not be empty. */
    shift(): number {
      const id = (pieces[0] as Int32Array)[head] as number
      head += 1
      length -= 1
      if (length === 0) {
        pieces.length = 1
        head = 0
        tail = 0
      } else if (head === pieceLength) {
        pieces.shift()
        head = 0
        tail -= pieceLength
      }
      return id
    },
  }
}
