import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test('status shows a running service, as text and as JSON, and leaves it alone', async () => {
  await using service = startService()
  service.call('ann', '/a', 3)
  await service.meter.flush()
  const at = { env: { PX_USAGE_DIR: service.dir }, now: service.clock.now }
  const text = await runCli(['status'], { ...at, isTerminal: true })
  expect(text).toMatchObject({ code: 0, err: '' })
  expect(tooWide(text.out)).toEqual([])
  expect(text.out).toContain('AP-TEST-2, api.aptrinsic.com, UTC')
  const json = await runCli(['status', '--json'], at)
  expect(JSON.parse(json.out)).toMatchObject([{ number: 1, days: [{ calls: 3 }] }])
  service.call('ann')
  await service.meter.flush()
  expect(service.meter.stats().calls).toMatchObject({ counted: 4, stored: 4 })
})

test('status ends with 1 when PX rejected lines', async () => {
  await using service = startService()
  service.call('ann')
  service.reply = () => ({ outcome: 'rejected', reason: 'no' })
  await service.clock.advance(24 * 3_600_000)
  await service.meter.flush()
  expect((await runCli(['status', '--dir', service.dir], { now: service.clock.now })).code).toBe(1)
})

test('--watch shows the status again until it is interrupted', async () => {
  await using service = startService()
  service.call('ann')
  await service.meter.flush()
  let shown = 0
  const { code, out } = await runCli(['status', '--watch', '0.1', '--json', '--dir', service.dir], {
    now: service.clock.now,
    onOut() {
      shown += 1
      if (shown === 2) process.emit('SIGINT')
    },
  })
  expect(code).toBe(0)
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)[0].days[0].calls),
  ).toEqual([1, 1])
})

test('the folder comes from a file of settings as well', async () => {
  await using service = startService()
  await service.meter.flush()
  const cwd = mkdtempSync(join(tmpdir(), 'px-usage-cli-'))
  try {
    writeFileSync(join(cwd, 'px-usage.json'), JSON.stringify({ dir: service.dir }))
    expect((await runCli(['status'], { cwd, now: service.clock.now })).code).toBe(0)
    writeFileSync(join(cwd, 'other.json'), '{')
    const broken = await runCli(['status', '--config', 'other.json'], { cwd })
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining('other.json is not JSON') })
    const missing = await runCli(['status', '--config', 'missing.json'], { cwd })
    expect(missing).toMatchObject({ code: 3, err: expect.stringContaining('missing.json') })
  } finally {
    rmSync(cwd, { recursive: true })
  }
})

test.each([
  [['--watch', 'x'], 2, '--watch x is not a number of seconds'],
  [['--dir', '/no/such/folder'], 3, 'does not exist'],
  [['--redis', 'host'], 2, '--redis: this is not an address of Redis'],
])('wrong arguments give one line: %j', async (args, code, message) => {
  const run = await runCli(['status', ...args])
  expect(run).toMatchObject({ code, out: '' })
  expect(run.err).toMatch(/^px-usage: [^\n]+\n$/)
  expect(run.err).toContain(message)
})
