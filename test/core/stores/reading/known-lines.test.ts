import { afterEach, beforeEach, expect, test } from 'vitest'
import { readKnownLines } from '../../../../packages/core/src/stores/reading/known-lines.ts'
import { batches, day, line, oneLinePerUser } from '../../../support/count-batch.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)

test('the lines of one day are yielded once each, with their states', async () => {
  const store = await disk.open()
  const other = await disk.open()
  store.add(batches()({ ann: 1, bob: 2, cid: 3, dan: 4 }))
  await store.closeDay(day, oneLinePerUser())
  const { lines } = await store.claim(3)
  const [delivered = '', rejected = '', unconfirmed = ''] = lines.map(({ id }) => id)
  await store.markAttempts([delivered, rejected, unconfirmed], 1)
  await store.settle([
    { id: delivered, state: 'delivered' },
    { id: rejected, state: 'rejected', reason: 'no' },
    { id: unconfirmed, state: 'unconfirmed', waitMs: 0 },
  ])
  await store.put([line('single'), line('of another day', '2026-11-25')])
  await other.put([line('left')])
  const found: string[][] = []
  for await (const { id, state } of readKnownLines(readOnlyDisk, disk.dir, day)) found.push([id, state])
  expect(found.sort()).toEqual(
    [
      [delivered, 'delivered'],
      [rejected, 'rejected'],
      [unconfirmed, 'unconfirmed'],
      [`${day}.0.dan`, 'pending'],
      ['single', 'pending'],
      ['left', 'pending'],
    ].sort(),
  )
})
