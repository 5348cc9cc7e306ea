import type { Store } from '../store/store.ts'

/** How many events PX may have, or has, more than once: remembered over restarts. */
export interface Duplicates {
  /** Reads what was noted, perhaps by a process that led before. */
  recall(): Promise<void>
  /** Resolves when it is noted. */
  add(more: { possible?: number; proven?: number }): Promise<void>
  possible(): number
  proven(): number
}

const note = 'delivery possible duplicates'

export function createDuplicates(store: Pick<Store, 'readNote' | 'writeNote'>): Duplicates {
  let possible = 0
  let proven = 0

  return {
    async recall() {
      const noted = ((await store.readNote(note)) ?? '').split(' ').map(Number)
      const [notedPossible = 0, notedProven = 0] = noted.map((count) =>
        Number.isSafeInteger(count) ? count : 0,
      )
      possible = notedPossible
      proven = notedProven
    },

    async add(more) {
      possible += more.possible ?? 0
      proven += more.proven ?? 0
      await store.writeNote(note, `${possible} ${proven}`)
    },

    possible: () => possible,
    proven: () => proven,
  }
}
