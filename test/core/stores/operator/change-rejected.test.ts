import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { changeRejected } from '../../../../packages/core/src/stores/operator/change-rejected.ts'
import { readOutboxOverview } from '../../../../packages/core/src/stores/reading/outbox-overview.ts'
import { batches, day, oneLinePerUser } from '../../../support/count-batch.ts'
import { readOnlyDisk } from '../../../support/read-only-disk.ts'
import { diskOf } from '../../../support/store-folder.ts'

const disk = diskOf(beforeEach, afterEach)
const idOf = (user: string) => `${day}.0.${user}`

/** A store of whose four lines PX rejected two. */
async function rejecting() {
  const store = await disk.open()
  store.add(batches()({ ann: 1, bob: 2, cid: 3, dan: 4 }))
  await store.closeDay(day, oneLinePerUser())
  const { lines } = await store.claim(4)
  const ids = lines.map(({ id }) => id)
  await store.markAttempts(ids, 1)
  await store.settle(
    ids.map((id) =>
      /ann|bob/.test(id) ? { id, state: 'rejected', reason: 'no' } : { id, state: 'delivered' },
    ),
  )
  return store
}
const countsOf = async () => (await readOutboxOverview(readOnlyDisk, disk.dir)).counts

describe('changeRejected', () => {
  it('is executed at once when no process runs, and the next process sends the line again', async () => {
    await (await rejecting()).close()
    const command = { kind: 'redeliver', lines: [idOf('ann'), 'unknown'] } as const
    expect(await changeRejected(disk.dir, command)).toBe('done')
    expect(await countsOf()).toEqual({ closed: 4, delivered: 2, pending: 1, unconfirmed: 0, rejected: 1 })
    const store = await disk.open()
    expect(store.outboxCounts()).toEqual(await countsOf())
    const { lines } = await store.claim(10)
    expect(lines).toMatchObject([{ id: idOf('ann'), day, calls: 1, state: 'pending', attempts: 0 }])
    await store.markAttempts([idOf('ann')], 2)
    await store.settle([{ id: idOf('ann'), state: 'rejected', reason: 'still no' }])
    const reasons: string[] = []
    for await (const { id, reason } of store.rejected()) reasons.push(`${id} ${reason}`)
    expect(reasons).toEqual([`${idOf('bob')} no`, `${idOf('ann')} still no`])
  })

  it('waits in the folder for the process that sends, which executes it at its next claim', async () => {
    const store = await rejecting()
    const command = { kind: 'redeliver', lines: [idOf('bob')] } as const
    expect(await changeRejected(disk.dir, command, { waitMs: 0 })).toBe('left')
    expect(store.outboxCounts()).toMatchObject({ pending: 0, rejected: 2 })
    expect((await store.claim(10)).lines).toMatchObject([{ id: idOf('bob') }])
    expect(store.outboxCounts()).toEqual({ closed: 4, delivered: 2, pending: 1, unconfirmed: 0, rejected: 1 })
    expect(disk.files().filter((name) => name.startsWith('inbox'))).toEqual([])
  })

  it('discards lines, so that they are neither rejected nor sent', async () => {
    const store = await rejecting()
    await store.close()
    const lines = [idOf('ann'), idOf('bob')]
    expect(await changeRejected(disk.dir, { kind: 'discard', lines })).toBe('done')
    const again = await disk.open()
    expect(again.outboxCounts()).toEqual({ closed: 2, delivered: 2, pending: 0, unconfirmed: 0, rejected: 0 })
    expect((await again.claim(10)).lines).toEqual([])
    for await (const line of again.rejected()) expect(line).toBeUndefined()
  })
})
