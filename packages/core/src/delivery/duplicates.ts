import { createNote, type Notes } from '../files/note.ts'

/** How many events PX may have, or has, more than once: remembered over restarts. */
export interface Duplicates {
  /** Reads what was noted, perhaps by a process that led before. */
  recall(): Promise<void>
  /** Resolves when it is noted. */
  add(more: { possible?: number; proven?: number }): Promise<void>
  possible(): number
  proven(): number
}

type Counts = [possible: number, proven: number]

function isCounts(value: unknown): value is Counts {
  return Array.isArray(value) && value.length === 2 && value.every((count) => Number.isSafeInteger(count))
}

export function createDuplicates(store: Notes): Duplicates {
  const note = createNote(store, 'delivery possible duplicates', isCounts)
  let possible = 0
  let proven = 0

  return {
    async recall() {
      ;[possible, proven] = (await note.read()) ?? [0, 0]
    },

    async add(more) {
      possible += more.possible ?? 0
      proven += more.proven ?? 0
      await note.write([possible, proven])
    },

    possible: () => possible,
    proven: () => proven,
  }
}
