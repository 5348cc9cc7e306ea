import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test("rejected lists PX's replies and the lines, and ends with 1 if there are any", async () => {
  await using service = startService()
  service.call('ann')
  await service.meter.flush()
  const at = { env: { PX_USAGE_DIR: service.dir } }
  expect(await runCli(['rejected'], at)).toMatchObject({
    code: 0,
    out: expect.stringContaining('0 rejected lines'),
  })
  service.reply = () => ({ outcome: 'rejected', reason: `no such product ${'x'.repeat(200)}\u001b[2J` })
  await service.clock.advance(15 * 3_600_000)
  await service.meter.flush()
  const text = await runCli(['rejected', '--limit', '1'], at)
  expect(text.code).toBe(1)
  expect(tooWide(text.out)).toEqual([])
  expect(text.out).toContain('no such product')
  expect(text.out).not.toContain('\u001b')
  expect(text.out).toContain('ann of acme, 1 call, rejected 2026-11-24')
  expect(text.out).toContain('... and 1 more. --limit shows more.')
  const { out } = await runCli(['rejected', '--event', 'dailyApiCalls', '--json'], at)
  expect(JSON.parse(out)).toMatchObject([
    { total: 1, lines: [{ userId: 'ann', day: '2026-11-23', calls: 1 }] },
  ])
})
