import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmulator } from 'px-emulator'
import { afterAll, expect, test } from 'vitest'
import { afterDays, countDays, countedDays } from '../../support/counted-days.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-audit-'))
afterAll(() => rmSync(dir, { recursive: true }))
const now = () => Date.UTC(2026, 10, 24, 10)
const sent = join(dir, 'sent.ndjson')

const event = (userId: string, id: string, apiCalls: number, more: object = {}) => ({
  eventName: 'dailyApiCalls',
  identifyId: userId,
  accountId: 'acme',
  propertyKey: 'AP-DEMOEMULATOR-2',
  userType: 'USER',
  date: Date.UTC(2026, 10, 23, 12),
  attributes: { apiCalls, day: '2026-11-23', rollupId: id, ...more },
})

test('audit shows what is missing, doubled, changed, foreign and revised, and ends with 1', async () => {
  await using px = await startEmulator({ port: 0, now })
  const post = async (body: object) => {
    const headers = { 'X-APTRINSIC-API-KEY': px.apiKey, 'content-type': 'application/json' }
    await fetch(`${px.url}/v1/events/custom`, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const users = ['ann', 'bob', 'cai', 'dan']
  const lines = users.map((user, at) => event(user, `id-${user}`, at + 1))
  const late = event('ann', 'id-late', 7, { revision: 1 })
  writeFileSync(sent, [...lines, late].map((line) => JSON.stringify(line)).join('\n'))
  const [ann, bob, cai] = lines
  for (const body of [ann, late, bob, bob, { ...cai, attributes: { ...cai?.attributes, apiCalls: 30 } }]) {
    await post(body as object)
  }
  await post(event('eve', 'id-eve', 5))
  const args = ['audit', '2026-11-23', '--sent', sent]
  const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey }

  const text = await runCli(args, { env, now })
  expect(text).toMatchObject({ code: 1, err: '' })
  expect(tooWide(text.out)).toEqual([])
  expect(text.out).toContain('4 faults, by user')
  expect(text.out).toMatch(/dailyApiCalls {2,}5 {2,}6 {2,}1 {2,}1 {2,}1 {2,}1\n/)

  const json = JSON.parse((await runCli([...args, '--json'], { env, now })).out)
  expect(
    json.faults.map(({ kind, userId }: { kind: string; userId: string }) => `${kind} ${userId}`).sort(),
  ).toEqual(['changed cai', 'doubled bob', 'foreign eve', 'missing dan'])
  expect(json.untrueAverages).toMatchObject([{ userId: 'ann', day: '2026-11-23' }])
  expect(json.requests).toBe(1)
})

test('audit of days as they were sent ends with 0, and names days without a record', async () => {
  await using px = await startEmulator({ port: 0, now })
  writeFileSync(sent, '')
  const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey }
  const { code, out } = await runCli(['audit', '2026-11-21..2026-11-23', '--sent', sent], { env, now })
  expect(code).toBe(0)
  expect(out).toContain('No record of 3 days (2026-11-21 to 2026-11-23)')
})

test('audit without --sent compares with what the folder of the service keeps', async () => {
  const store = join(dir, 'store')
  await using px = await startEmulator({ port: 0, now: () => afterDays })
  await countDays(store, px)
  const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey, PX_USAGE_DIR: store }
  const args = ['audit', `${countedDays[0]}..${countedDays[2]}`, '--json']
  const run = () => runCli(args, { env, now: () => afterDays })
  const sent = await run()
  expect(sent).toMatchObject({ code: 0, err: '' })
  const { totals, daysWithoutRecord } = JSON.parse(sent.out)
  expect(totals.reduce((sum: number, name: { sent: number }) => sum + name.sent, 0)).toBe(px.events().length)
  expect(daysWithoutRecord).toEqual([])
  const [lost] = px.events()
  px.reset()
  const empty = JSON.parse((await run()).out)
  expect(empty.faults).toContainEqual(expect.objectContaining({ kind: 'missing', userId: lost?.identifyId }))
  expect(await runCli([...args, '--dir', dir], { env, now: () => afterDays })).toMatchObject({ code: 3 })
})

test.each([
  [[], /missing required argument 'days'/i],
  [['2026-11-31', '--sent', sent], /"2026-11-31" is not a day or a range/],
  [['2026-01-01', '--sent', sent], /too old: PX can be read for 190 days, from 2026-05-19 on/],
  [['2026-11-25', '--sent', sent], /has not begun yet/],
  [
    ['2026-11-23', '--sent', sent, '--page-size', '1001'],
    /--page-size 1001: give a whole number from 1 to 1000/,
  ],
  [['2026-11-23', '--sent', sent], /There is no API key of PX/],
])('wrong arguments give one line and exit code 2: %j', async (args, message) => {
  const { code, out, err } = await runCli(['audit', ...args], { now })
  expect([code, out, err.split('\n').length]).toEqual([2, '', 2])
  expect(err).toMatch(message)
})
