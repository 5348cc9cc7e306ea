import { expect, it } from 'vitest'
import { encodeChecked } from '../../../packages/core/src/files/checked-json.ts'
import { createNote, readNote } from '../../../packages/core/src/files/note.ts'
import { shortHash } from '../../../packages/core/src/files/short-hash.ts'
import { memoryNotes } from '../../support/memory-notes.ts'

const isNumber = (value: unknown): value is number => typeof value === 'number'

it('a value is read back, by another owner of the note too', async () => {
  const notes = memoryNotes()
  expect(await createNote(notes, 'spent', isNumber).read()).toBeUndefined()
  await createNote(notes, 'spent', isNumber).write(120)
  expect(await createNote(notes, 'spent', isNumber).read()).toBe(120)
  expect(await readNote(notes, 'spent', isNumber)).toBe(120)
  expect(await createNote(notes, 'other', isNumber).read()).toBeUndefined()
  expect(notes.discarded).toEqual([])
})

it.each([
  ['of another shape', encodeChecked('many')],
  ['that is damaged', `${encodeChecked(120)}0`],
  ['that is no JSON', `${shortHash('{', 16)} {`],
])('a note %s is set aside by its owner, and left by a reader', async (_about, kept) => {
  const notes = memoryNotes()
  await notes.writeNote('spent', kept)
  expect(await readNote(notes, 'spent', isNumber)).toBeUndefined()
  expect(notes.discarded).toEqual([])
  expect(await createNote(notes, 'spent', isNumber).read()).toBeUndefined()
  expect(notes.discarded).toEqual(['spent'])
})
