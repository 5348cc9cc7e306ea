import { renameSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Disk } from '../../../../packages/core/src/files/disk.ts'
import type { Store } from '../../../../packages/core/src/model/store.ts'
import { readOutboxOverview } from '../../../../packages/core/src/stores/reading/outbox-overview.ts'
import { batches, day, line, oneLinePerUser } from '../../../support/count-batch.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)
const overview = (on: Disk = readOnlyDisk) => readOutboxOverview(on, disk.dir)

async function storeWithDay() {
  const store = await disk.open()
  store.add(batches()({ ann: 1, bob: 2, cid: 3, dan: 4 }))
  await store.closeDay(day, oneLinePerUser())
  return store
}

async function deliverAll(store: Store): Promise<void> {
  const { lines } = await store.claim(10)
  const ids = lines.map(({ id }) => id)
  await store.markAttempts(ids, 1)
  await store.settle(ids.map((id) => ({ id, state: 'delivered' }) as const))
}

describe('readOutboxOverview', () => {
  it('is empty without an outbox', async () => {
    expect(await overview()).toEqual({
      counts: { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 },
      days: [],
    })
  })

  it('counts the lines of each day by state, as the process that sends does', async () => {
    const store = await storeWithDay()
    await store.put([line('single', '2026-11-25')])
    const { lines } = await store.claim(3)
    const [delivered = '', rejected = '', unconfirmed = ''] = lines.map(({ id }) => id)
    await store.markAttempts([delivered, rejected, unconfirmed], 1)
    await store.settle([
      { id: delivered, state: 'delivered' },
      { id: rejected, state: 'rejected', reason: 'no' },
      { id: unconfirmed, state: 'unconfirmed', waitMs: 0 },
    ])
    const found = await overview()
    expect(found.counts).toEqual(store.outboxCounts())
    expect(found).toEqual({
      counts: { closed: 5, delivered: 1, pending: 2, unconfirmed: 1, rejected: 1 },
      days: [
        { day, pending: 1, unconfirmed: 1, rejected: 1, delivered: 1 },
        { day: '2026-11-25', pending: 1, unconfirmed: 0, rejected: 0, delivered: 0 },
      ],
    })
  })

  it('counts lines in the inbox as pending, once', async () => {
    const store = await storeWithDay()
    const other = await disk.open()
    await other.put([line('left')])
    expect((await overview()).counts).toMatchObject({ closed: 5, pending: 5 })
    await store.claim(0)
    expect((await overview()).counts).toEqual({ ...store.outboxCounts() })
  })

  it('reads again when the process that sends changed the outbox meanwhile', async () => {
    const store = await storeWithDay()
    let settling: Promise<void> | undefined
    // The lines are delivered when the size of the log was read, and its content was not.
    const read = ((...args: Parameters<Disk['read']>) => {
      settling ??= deliverAll(store)
      void settling.then(() => readOnlyDisk.read(...args))
    }) as Disk['read']
    const moving = new Proxy(readOnlyDisk, {
      get: (on, name: keyof Disk) => (name === 'read' ? read : on[name]),
    })
    const found = await overview(moving)
    expect(found.counts).toEqual({ closed: 4, delivered: 4, pending: 0, unconfirmed: 0, rejected: 0 })
  })

  it('counts lines as unconfirmed when the log is lost', async () => {
    const store = await storeWithDay()
    await store.close()
    const log = disk.files().find((name) => /state\./.test(name)) as string
    renameSync(`${disk.dir}/${log}`, `${disk.dir}/lost`)
    expect((await overview()).days).toEqual([{ day, pending: 0, unconfirmed: 4, rejected: 0, delivered: 0 }])
  })
})
