import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'
import { Outbox } from '../../packages/core/src/outbox/outbox.ts'
import { line } from '../support/count-batch.ts'
import { diskWith } from '../support/failing-disk.ts'
import { outboxOf } from '../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const opened: Outbox[] = []
afterEach(() => {
  for (const outbox of opened.splice(0)) outbox.close()
})

async function open(epoch: number, disk: Disk = realDisk): Promise<Outbox> {
  const { dir, clock } = folder
  const damaged = folder.damagedOn(disk)
  const outbox = await Outbox.open({ disk, dir, epoch, clock, damaged, isReplaced: false })
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

it('a line that is put while a log begins is sent once, also after a kill', async () => {
  let onLog = () => {}
  const disk = diskWith((call, [path]) => {
    if (call === 'openSync' && /state\..*\.tmp$/.test(String(path))) onLog()
  })
  const outbox = await open(1, disk)
  const body = 'x'.repeat(1024 * 1024)
  await outbox.put(Array.from({ length: 17 }, (_, at) => ({ ...line(String(at)), body })))
  let putting: Promise<void> | undefined
  // The settlement of the last line of a long file begins a log.
  onLog = () => {
    putting ??= outbox.put([line('late')])
  }
  await outbox.settle((await idsOf(outbox)).map((id) => ({ id, state: 'delivered' })))
  expect(putting).toBeDefined()
  await putting
  expect(await idsOf(outbox)).toEqual(['late'])
  await outbox.markAttempts(['late'], 5)
  await outbox.settle([{ id: 'late', state: 'delivered' }])
  expect((await open(2)).counts()).toMatchObject({ closed: 18, delivered: 18, pending: 0 })
})

it('a put that waits for another writes nothing once the outbox is closed', async () => {
  const outbox = await open(1)
  const puts = [outbox.put([line('a')]), outbox.put([line('b')])]
  outbox.close()
  const ends = await Promise.allSettled(puts)
  expect(ends.at(-1)?.status).toBe('rejected')
})
