import type { Store } from '../model/store.ts'
import { checkedText, withChecksum } from './checked-text.ts'

/** What of a store the small facts need. */
export type Notes = Pick<Store, 'readNote' | 'writeNote' | 'discardNote'>

/** A small fact that survives a restart, as JSON with a checksum. */
export interface Note<T> {
  /** `undefined` if there is none, or if it was damaged: then it is put aside and reported, and its owner starts over. */
  read(): Promise<T | undefined>
  write(value: T): Promise<void>
}

/** @param isValid whether a value that was read has the shape that this version expects */
export function createNote<T>(store: Notes, name: string, isValid: (value: unknown) => value is T): Note<T> {
  return {
    async read() {
      const kept = await store.readNote(name)
      if (kept === undefined) return undefined
      const value = parsed(checkedText(kept))
      if (isValid(value)) return value
      await store.discardNote(name)
      return undefined
    },
    write: (value) => store.writeNote(name, withChecksum(JSON.stringify(value))),
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
