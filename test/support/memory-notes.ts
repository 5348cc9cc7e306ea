import type { Notes } from '../../packages/core/src/files/note.ts'

/** Notes in memory, with what was written and set aside. */
export interface MemoryNotes extends Notes {
  readonly written: string[]
  readonly discarded: string[]
  /** Changes the last character of every note. */
  damage(): void
}

export function memoryNotes(): MemoryNotes {
  const kept = new Map<string, string>()
  const written: string[] = []
  const discarded: string[] = []
  return {
    written,
    discarded,
    readNote: async (name) => kept.get(name),
    async writeNote(name, value) {
      kept.set(name, value)
      written.push(value)
    },
    async discardNote(name) {
      kept.delete(name)
      discarded.push(name)
    },
    damage() {
      for (const [name, value] of kept) kept.set(name, `${value.slice(0, -1)}?`)
    },
  }
}
