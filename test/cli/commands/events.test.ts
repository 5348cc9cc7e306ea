import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test('events shows the lines of a day by event and state', async () => {
  await using service = startService()
  for (const user of ['ann', 'bob', 'cid']) service.call(user)
  service.reply = (body) => {
    if (body.includes('ann')) return { outcome: 'delivered' }
    return body.includes('bob')
      ? { outcome: 'rejected', reason: 'no' }
      : { outcome: 'unconfirmed', reason: 'late' }
  }
  await service.clock.advance(15 * 3_600_000)
  await service.meter.flush()
  const at = { env: { PX_USAGE_DIR: service.dir } }
  const [found] = JSON.parse((await runCli(['events', '2026-11-23', '--json'], at)).out)
  expect(found).toMatchObject({ day: '2026-11-23', total: 6 })
  const states = found.events.map(({ userId, state }: Record<string, string>) => `${userId} ${state}`)
  expect([...new Set(states)].sort()).toEqual(['ann delivered', 'bob rejected', 'cid unconfirmed'])
  const text = await runCli(['events', '2026-11-23'], at)
  expect(tooWide(text.out)).toEqual([])
  expect(text.out).toMatch(/dailyApiCalls +rejected +1 +1/)
  service.reply = () => ({ outcome: 'delivered' })
  await service.clock.advance(3_600_000)
  await service.meter.flush()
  const [later] = JSON.parse((await runCli(['events', '2026-11-23', '--json'], at)).out)
  expect(later.byName.map(({ state }: { state: string }) => state).sort()).toEqual([
    'delivered',
    'delivered',
    'rejected',
    'rejected',
  ])
  const none = await runCli(['events', '2026-11-20'], at)
  expect(none).toMatchObject({ code: 0, out: expect.stringContaining('has no event of this day') })
})
