import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmulator } from 'px-emulator'
import { afterAll, expect, test } from 'vitest'
import { runCli, tooWide } from '../../support/run-cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-doctor-'))
afterAll(() => rmSync(dir, { recursive: true }))
const app = join(import.meta.dirname, '../..')

test('doctor prints its checks in 80 columns and as JSON, and ends with 1 after a failure', async () => {
  await using px = await startEmulator({ port: 0 })
  const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey, PX_PRODUCT_KEY: px.productKey }
  const healthy = await runCli(['doctor', '--dir', dir, '--app', app], { env })
  expect(healthy).toMatchObject({ code: 0, err: '' })
  expect(healthy.out).toMatch(/^\d+ ok, 0 warnings, 0 failures, \d not checked\.$/m)
  expect(tooWide(healthy.out)).toEqual([])
  expect(px.events()).toEqual([])

  const faulty = await runCli(['doctor', '--dir', dir, '--json'], { env: { ...env, PX_API_KEY: 'other' } })
  expect(faulty.code).toBe(1)
  const { failures, checks } = JSON.parse(faulty.out)
  expect(failures).toBe(1)
  expect(checks).toContainEqual(expect.objectContaining({ name: 'API key', verdict: 'failure' }))
})

test.each([
  [
    ['--time-zone', 'Mars/Base'],
    'px-usage: --time-zone: Mars/Base is no time zone. Give one such as Europe/Berlin.\n',
  ],
  [['--region', 'asia'], /^px-usage: The option region is "asia"\. [^\n]* use baseUrl\.\n$/],
  [['extra'], /^px-usage: .*too many arguments.*\n$/i],
])('wrong arguments give one line and exit code 2: %j', async (args, message) => {
  const { code, out, err } = await runCli(['doctor', '--dir', dir, ...args])
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(message)
})
