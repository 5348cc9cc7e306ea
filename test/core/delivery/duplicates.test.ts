import { expect, it } from 'vitest'
import { createDuplicates } from '../../../packages/core/src/delivery/duplicates.ts'
import { memoryNotes } from '../../support/memory-notes.ts'

it('the number of possible duplicates survives a restart', async () => {
  const notes = memoryNotes()
  const before = createDuplicates(notes)
  await before.recall()
  await before.add(2)
  await before.add(3)
  const after = createDuplicates(notes)
  expect(after.possible()).toBe(0)
  await after.recall()
  expect(after.possible()).toBe(5)
})

it('a note that is damaged is set aside, and the number begins at 0', async () => {
  const notes = memoryNotes()
  await createDuplicates(notes).add(2)
  notes.damage()
  const after = createDuplicates(notes)
  await after.recall()
  expect([after.possible(), notes.discarded]).toEqual([0, ['delivery possible duplicates']])
})
