import { afterEach, beforeEach, expect, it } from 'vitest'
import { realDisk } from '../../packages/core/src/files/disk.ts'
import { Outbox } from '../../packages/core/src/outbox/outbox.ts'
import { line } from '../support/count-batch.ts'
import { outboxOf } from '../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: Outbox[] = []
afterEach(() => {
  for (const outbox of opened.splice(0)) outbox.close()
})

async function open(epoch: number): Promise<Outbox> {
  const { dir, clock } = folder
  const damaged = folder.damagedOn()
  const outbox = await Outbox.open({ disk: realDisk, dir, epoch, clock, damaged, isReplaced: false })
  opened.push(outbox)
  return outbox
}

const idsOf = async (outbox: Outbox) => (await outbox.claim(99)).lines.map(({ id }) => id)

// An event of track(), the attributes and the inbox of other processes come at any time, and each wrote at the same place.
it('the outbox loses no line that is put while another is written', async () => {
  const outbox = await open(1)
  await Promise.all([
    outbox.put([line('a'), line('b')]),
    outbox.put([line('c')]),
    outbox.put([line('b'), line('d')]),
  ])
  expect(outbox.counts()).toMatchObject({ closed: 4, pending: 4 })
  expect(await idsOf(outbox)).toEqual(['a', 'b', 'c', 'd'])
  outbox.close()
  expect(await idsOf(await open(2))).toEqual(['a', 'b', 'c', 'd'])
  expect(folder.damages).toEqual([])
})

it('the outbox loses no line that is put while the last line of a long file is settled', async () => {
  const outbox = await open(1)
  const body = 'x'.repeat(1024 * 1024)
  await outbox.put(Array.from({ length: 17 }, (_, at) => ({ ...line(String(at)), body })))
  const ids = await idsOf(outbox)
  const settled = outbox.settle(ids.map((id) => ({ id, state: 'delivered' })))
  await Promise.all([outbox.put([line('late')]), settled])
  outbox.close()
  const next = await open(2)
  expect(next.counts()).toMatchObject({ delivered: 17, pending: 1 })
  expect(await idsOf(next)).toEqual(['late'])
})

it('a put that waits for another writes nothing once the outbox is closed', async () => {
  const outbox = await open(1)
  const puts = [outbox.put([line('a')]), outbox.put([line('b')])]
  outbox.close()
  const ends = await Promise.allSettled(puts)
  expect(ends.at(-1)?.status).toBe('rejected')
})
