import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'
import { Outbox } from '../../packages/core/src/outbox/outbox.ts'
import { line } from '../support/count-batch.ts'
import { diskWith, errno } from '../support/failing-disk.ts'
import { outboxOf } from '../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)

function open(epoch: number, disk: Disk = realDisk): Promise<Outbox> {
  const { dir, clock } = folder
  return Outbox.open({ disk, dir, epoch, clock, damaged: folder.damagedOn(disk), isReplaced: false })
}

async function sendAll(outbox: Outbox): Promise<string[]> {
  const { lines } = await outbox.claim(10)
  const ids = lines.map(({ id }) => id)
  await outbox.markAttempts(ids, 1)
  await outbox.settle(ids.map((id) => ({ id, state: 'delivered' as const })))
  return ids
}

/** A disk on which a file cannot be cut off, as if the process was killed just before. */
const brokenDisk = () =>
  diskWith((call) => {
    if (call === 'ftruncateSync') throw errno('EIO')
  })

it('a process that ends between the last delivery of a day and the end of its file', async () => {
  await folder.writeDay([line('a'), line('b')])
  const first = await open(1, brokenDisk())
  expect(await sendAll(first)).toEqual(['a', 'b'])
  first.close()
  for (const epoch of [2, 3, 4]) {
    const later = await open(epoch)
    expect([epoch, (await later.claim(10)).lines, later.counts().delivered]).toEqual([epoch, [], 2])
    later.close()
  }
})

it('a disk that cannot cut the file off for as long as three processes send', async () => {
  await folder.writeDay([line('a'), line('b')])
  await folder.writeDay([line('c', '2026-11-22')], { onDay: '2026-11-22' })
  for (const epoch of [1, 2, 3, 4]) {
    const outbox = await open(epoch, brokenDisk())
    const sent = await sendAll(outbox)
    expect([epoch, sent]).toEqual([epoch, epoch === 1 ? ['c', 'a', 'b'] : []])
    outbox.close()
  }
})
