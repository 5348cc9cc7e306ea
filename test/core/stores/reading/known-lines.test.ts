import { afterEach, beforeEach, expect, test } from 'vitest'
import { changeRejected } from '../../../../packages/core/src/stores/operator/change-rejected.ts'
import { readKnownLines } from '../../../../packages/core/src/stores/reading/known-lines.ts'
import { batches, day, line, oneLinePerUser } from '../../../support/count-batch.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)

/** The ids of the lines of some days with their states, sorted. */
async function known(first: string, last = first): Promise<string[]> {
  const found: string[] = []
  for await (const { id, state } of readKnownLines(readOnlyDisk, disk.dir, { first, last }))
    found.push(`${id} ${state}`)
  return found.sort()
}

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
  const ofDay = [
    `${delivered} delivered`,
    `${rejected} rejected`,
    `${unconfirmed} unconfirmed`,
    `${day}.0.dan pending`,
    'single pending',
    'left pending',
  ]
  expect(await known(day)).toEqual(ofDay.sort())
  expect(await known(day, '2026-11-25')).toEqual([...ofDay, 'of another day pending'].sort())
})

/** Closes a day for three users and sends it: ann is delivered, bob rejected, and cid withdrawn. */
async function sendDay(): Promise<void> {
  const store = await disk.open()
  store.add(batches()({ ann: 1, bob: 2, cid: 3 }))
  await store.closeDay(day, oneLinePerUser())
  const [ann = '', bob = '', cid = ''] = (await store.claim(3)).lines.map(({ id }) => id)
  await store.markAttempts([ann, bob], 1)
  await store.settle([{ id: bob, state: 'rejected', reason: 'no' }])
  await store.settle([{ id: cid, state: 'withdrawn' }])
  await store.settle([{ id: ann, state: 'delivered' }])
  await store.close()
}

test('a day that is sent keeps what was delivered, apart from what was rejected or withdrawn', async () => {
  await sendDay()
  const sent = [`${day}.0.ann delivered`, `${day}.0.bob rejected`]
  expect(await known(day)).toEqual(sent)
  await changeRejected(disk.dir, { kind: 'discard', lines: [`${day}.0.bob`] })
  expect(await known(day)).toEqual(sent.slice(0, 1))
})

test('a rejected line that was sent again is delivered, and is there once', async () => {
  await sendDay()
  await changeRejected(disk.dir, { kind: 'redeliver', lines: [`${day}.0.bob`] })
  const store = await disk.open()
  const [line] = (await store.claim(1)).lines
  await store.settle([{ id: line?.id ?? '', state: 'delivered' }])
  const sent = [`${day}.0.ann delivered`, `${day}.0.bob delivered`]
  expect(await known(day)).toEqual(sent)
  await store.close()
  const next = await disk.open()
  expect(await known(day)).toEqual(sent)
  // The next log removes the file of single lines from the outbox.
  await next.put([{ ...(line as NonNullable<typeof line>), id: 'more' }])
  const [more] = (await next.claim(1)).lines
  await next.settle([{ id: more?.id ?? '', state: 'delivered' }])
  expect(disk.files().filter((path) => path.startsWith('sent/'))).toHaveLength(2)
  expect(await known(day)).toEqual([...sent, 'more delivered'])
})
