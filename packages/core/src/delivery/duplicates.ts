import { createNote, type Notes } from '../files/note.ts'

/** Counts the events that PX may have more than once. The count survives restarts. */
export interface Duplicates {
  /** Reads the count from the store, where an earlier leader may have changed it. */
  recall(): Promise<void>
  /** Changes the count. Resolves when the store has it. */
  add(more: number): Promise<void>
  possible(): number
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** Creates the count of possible duplicates. */
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
