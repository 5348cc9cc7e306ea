import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import {
  openShippingFolder,
  type ShippingFolder,
} from '../../../packages/core/src/journal/shipping-folder.ts'
import { DayCounts } from '../../../packages/redis/src/counting/day-counts.ts'
import { createSeriesEncoder } from '../../../packages/redis/src/counting/series-fields.ts'
import { type Loss, retainMs } from '../../../packages/redis/src/counting/shard-writer.ts'
import { createFleet } from '../../../packages/redis/src/fleet.ts'
import { JournalShipper } from '../../../packages/redis/src/shipping/journal-shipper.ts'
import { batches, day } from '../../support/count-batch.ts'
import { journalId } from '../../support/journal-file.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

let dir: string
let losses: Loss[]
let folder: ShippingFolder
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-shipper-'))
  losses = []
})
afterEach(async () => {
  await folder.close()
  fs.rmSync(dir, { recursive: true, force: true })
})

describe.skipIf(!hasRedis())('the counts of a journal', () => {
  const redis = redisOfTests()
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const { diagnostics } = recordingDiagnostics()
  const writer = { host: 'host', boot: 'boot' }

  const fleetNow = () => {
    const { connection, keys } = redis
    return createFleet({
      ...{ connection, keys, shards: 1, me: 'me' },
      context: { clock, diagnostics, timeZone: 'UTC' },
    })
  }

  /** @param isOwn whether the process that wrote them sends them, or a later one */
  function shipperOf({ isOwn = true } = {}): JournalShipper {
    const id = isOwn ? journalId : '00000000000000bb-m0'
    folder = openShippingFolder({
      ...{ disk: realDisk, dir, clock, diagnostics, timeZone: 'UTC', journalId: id, writer, onRescue() {} },
    })
    const journal = isOwn ? folder.own : folder.shipmentsOf(journalId, writer)
    return new JournalShipper({
      ...{ fleet: fleetNow(), encoder: createSeriesEncoder(1), journal, isOwn },
      freeze: (makeLines) => (isOwn ? folder.freeze(makeLines) : journal.freeze(makeLines)),
      declare: async () => {},
      onLoss: (loss) => void losses.push(loss),
    })
  }

  async function inRedis(): Promise<number> {
    let calls = 0
    const range = { after: [0], until: [0], withOpen: true }
    for await (const { values } of new DayCounts(fleetNow()).totals(day, range)) calls += values[0] ?? 0
    return calls
  }

  const shipments = () => fs.readdirSync(join(dir, 'shipments'))

  it('are sent again from the folder when Redis went back to an earlier state', async () => {
    const shipper = shipperOf()
    const batch = batches()
    for (const calls of [1, 2, 4]) {
      folder.add(batch({ ada: calls }))
      await shipper.ship()
    }
    await redis.server.command('FLUSHALL')
    await shipper.check()
    expect(await inRedis()).toBe(7)
    folder.add(batch({ ada: 8 }))
    await redis.server.command('FLUSHALL')
    await shipper.ship()
    expect(await inRedis()).toBe(15)
    expect(losses).toEqual([])
  })

  it('leave the folder five minutes after Redis has them; later their loss is reported', async () => {
    const shipper = shipperOf()
    const batch = batches()
    for (const calls of [1, 2, 4]) {
      folder.add(batch({ ada: calls }))
      await shipper.ship()
    }
    await shipper.check()
    expect(shipments()).toHaveLength(3)
    await clock.advance(retainMs)
    await shipper.check()
    expect(shipments()).toHaveLength(1)
    await redis.server.command('FLUSHALL')
    await shipper.check()
    expect(losses).toEqual([{ frames: 2, calls: 3 }])
    expect(await inRedis()).toBe(4)
    folder.add(batch({ ada: 8 }))
    await shipper.ship()
    expect(await inRedis()).toBe(12)
    expect(losses).toHaveLength(1)
  })

  it('of a dead process are continued where it stopped, and leave the folder', async () => {
    const shipper = shipperOf()
    const batch = batches()
    folder.add(batch({ ada: 1 }))
    await shipper.ship()
    folder.add(batch({ ada: 2 }))
    await folder.close()
    const later = shipperOf({ isOwn: false })
    await later.ship()
    await later.ship()
    expect(await inRedis()).toBe(3)
    expect(later.takeDays()).toEqual([day])
    expect(later.takeDays()).toEqual([])
    expect(await later.isOver()).toBe(false)
    await clock.advance(retainMs)
    await later.check()
    expect(await later.isOver()).toBe(true)
  })

  it('of a dead process whose last shipment is damaged cost only what is damaged', async () => {
    const shipper = shipperOf()
    const batch = batches()
    folder.add(batch({ ada: 1 }))
    await shipper.ship()
    folder.add(batch({ ada: 2 }))
    await folder.close()
    const path = join(dir, 'shipments', shipments()[0] ?? '')
    fs.truncateSync(path, fs.statSync(path).size - 40)
    const later = shipperOf({ isOwn: false })
    await later.ship()
    expect(await inRedis()).toBe(3)
    expect(losses).toEqual([])
  })
})
