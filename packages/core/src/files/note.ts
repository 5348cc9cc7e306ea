import type { Store } from '../model/store.ts'
import { decodeChecked, encodeChecked } from './checked-json.ts'

/** The methods of a store that notes need. */
export type Notes = Pick<Store, 'readNote' | 'writeNote' | 'discardNote'>

/** A small fact that survives a restart, stored as JSON with a checksum. */
export interface Note<T> {
  /** Returns `undefined` if there is no value, or if it was damaged; a damaged one is set aside and reported. */
  read(): Promise<T | undefined>
  write(value: T): Promise<void>
}

/** Returns the value of a note in a store that is only read; `undefined` if there is none, or if it is damaged. It stays as it is. */
export async function readNote<T>(
  store: Pick<Notes, 'readNote'>,
  name: string,
  isValid: (value: unknown) => value is T,
): Promise<T | undefined> {
  const kept = await store.readNote(name)
  return kept === undefined ? undefined : decodeChecked(kept, isValid)
}

/** Creates a typed note in a store. @param isValid whether a stored value has the shape that this version expects */
export function createNote<T>(store: Notes, name: string, isValid: (value: unknown) => value is T): Note<T> {
  return {
    async read() {
      const kept = await store.readNote(name)
      if (kept === undefined) return undefined
      const value = decodeChecked(kept, isValid)
      if (value !== undefined) return value
      await store.discardNote(name)
      return undefined
    },
    write: (value) => store.writeNote(name, encodeChecked(value)),
  }
}
