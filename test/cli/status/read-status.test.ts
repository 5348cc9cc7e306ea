import { expect, test, vi } from 'vitest'
import { openPlace } from '../../../packages/cli/src/place/open-place.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'
import { readStatus, type Status } from '../../../packages/cli/src/status/read-status.ts'
import { type CountingService, startService } from '../../support/counting-service.ts'

async function statusOf({ dir, clock }: CountingService): Promise<Status> {
  const { readers } = await openPlace(parseSettings({ flags: { dir }, env: {}, file: undefined, cwd: '/' }))
  return readStatus(readers[0]!, clock.now())
}

test('the status of a running service has its day, its outbox and what it reported', async () => {
  await using service = startService()
  service.call('ann', '/a', 3)
  service.call('bob', '/b', 2)
  await service.meter.flush()
  // The note about the process is written while the first counts are.
  await vi.waitFor(async () => expect((await statusOf(service)).processes).toHaveLength(1))
  expect(await statusOf(service)).toMatchObject({
    ...{ number: 1, timeZone: 'UTC', today: '2026-11-23', sender: { state: 'alive' } },
    days: [{ day: '2026-11-23', calls: 5, series: 2, users: 2, waiting: 'open, ends in 14 h' }],
    outbox: { counts: { closed: 0 } },
    ...{ oldestWaiting: undefined, requests: { today: 0, perDay: 800_000 } },
  })

  service.reply = (body) =>
    body.includes('ann')
      ? { outcome: 'rejected', reason: 'no ann' }
      : { outcome: 'unconfirmed', reason: 'late' }
  await service.clock.advance(15 * 3_600_000)
  await service.meter.flush()
  const after = await statusOf(service)
  expect(after).toMatchObject({ days: [], oldestWaiting: { day: '2026-11-23', lines: 2 } })
  expect(after.outbox.counts).toEqual(service.meter.stats().lines)
  expect(after.outbox.days).toEqual([
    { day: '2026-11-23', pending: 0, unconfirmed: 2, rejected: 2, delivered: 0 },
  ])

  await service.meter.close()
  const offline = await statusOf(service)
  expect(offline).toMatchObject({
    sender: undefined,
    processes: [{ hasEnded: true, delivery: { lastReply: { outcome: 'unconfirmed', reason: 'late' } } }],
    accounting: { counted: 5, stored: 5, inMemory: 0, unattributed: {}, afterClose: 0 },
  })
})

test('a day that is closed while the status is read is in it once', async () => {
  await using service = startService()
  service.call('ann', '/a', 3)
  await service.meter.flush()
  const { readers } = await openPlace(
    parseSettings({ flags: { dir: service.dir }, env: {}, file: undefined, cwd: '/' }),
  )
  const reader = readers[0]!
  let isClosed = false
  const closing = {
    ...reader,
    async outbox() {
      const found = await reader.outbox()
      if (!isClosed) await service.clock.advance(15 * 3_600_000)
      if (!isClosed) await service.meter.flush()
      isClosed = true
      return found
    },
  }
  const { days, outbox } = await readStatus(closing, service.clock.now())
  expect(days).toEqual([])
  expect(outbox.counts).toMatchObject({ closed: 2, delivered: 2 })
})
