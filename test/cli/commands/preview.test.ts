import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test('preview shows what closing now would send, as the meter does', async () => {
  await using service = startService()
  service.call('ann', '/v1/users', 3)
  service.call('bob', `/v1/${'long/'.repeat(30)}`)
  const at = { env: { PX_USAGE_DIR: service.dir } }
  const ofMeter = await service.meter.preview()
  const { code, out } = await runCli(['preview', '--json'], at)
  expect(code).toBe(0)
  const [found] = JSON.parse(out)
  expect(found).toMatchObject({ number: 1, day: '2026-11-23', revision: 0, total: 4 })
  expect(found.byName).toEqual([
    { eventName: 'dailyApiCalls', events: 2, apiCalls: 4 },
    { eventName: 'dailyEndpointCalls', events: 2, apiCalls: 4 },
  ])
  const ofBoth = ({ eventName, attributes }: Record<string, unknown>) => ({ eventName, attributes })
  expect(found.events.map(ofBoth)).toEqual(ofMeter.map(ofBoth as never))
  const text = await runCli(['preview', '2026-11-23', '--limit', '3'], at)
  expect(tooWide(text.out)).toEqual([])
  expect(text.out).toContain('... and 1 more. --limit shows more.')
  expect(service.arrived).toEqual([])
})

test.each([
  ['2026-02-30', '2026-02-30 is not a day'],
  ['2026-11-20', '2026-11-20 is no open day'],
])('a day that cannot be previewed gives exit code 2: %s', async (day, message) => {
  await using service = startService()
  service.call('ann')
  await service.meter.flush()
  const { code, err } = await runCli(['preview', day, '--dir', service.dir])
  expect([code, err]).toEqual([2, expect.stringContaining(message)])
})
