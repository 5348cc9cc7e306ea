import { createNote, type Notes } from '../files/note.ts'

/** How many events PX may have more than once: remembered over restarts. */
export interface Duplicates {
  /** Reads what was noted, perhaps by a process that led before. */
  recall(): Promise<void>
  /** Resolves when it is noted. */
  add(more: number): Promise<void>
  possible(): number
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

export function createDuplicates(store: Notes): Duplicates {
  const note = createNote(store, 'delivery possible duplicates', isCount)
  let possible = 0

  return {
    async recall() {
      possible = (await note.read()) ?? 0
    },

    async add(more) {
      possible += more
      await note.write(possible)
    },

    possible: () => possible,
  }
}
