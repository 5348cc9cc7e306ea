import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, type Store } from '@px-usage/core'
import { redisStore } from '@px-usage/redis'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterAll, expect, test } from 'vitest'
import { afterDays, countDays, countedDays } from '../../support/counted-days.ts'
import { connectClient } from '../../support/redis-clients.ts'
import { hasRedis, startRedis } from '../../support/redis-server.ts'
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

type PostedEvent = Awaited<ReturnType<Emulator['events']>>[number]

async function post(px: Emulator, body: object): Promise<void> {
  const headers = { 'X-APTRINSIC-API-KEY': px.apiKey, 'content-type': 'application/json' }
  await fetch(`${px.url}/v1/events/custom`, { method: 'POST', headers, body: JSON.stringify(body) })
}

test('audit shows what is missing, doubled, changed, foreign and revised, and ends with 1', async () => {
  await using px = await startEmulator({ port: 0, now })
  const users = ['ann', 'bob', 'cai', 'dan']
  const lines = users.map((user, at) => event(user, `id-${user}`, at + 1))
  const late = event('ann', 'id-late', 7, { revision: 1 })
  writeFileSync(sent, [...lines, late].map((line) => JSON.stringify(line)).join('\n'))
  const [ann, bob, cai] = lines
  for (const body of [ann, late, bob, bob, { ...cai, attributes: { ...cai?.attributes, apiCalls: 30 } }]) {
    await post(px, body as object)
  }
  await post(px, event('eve', 'id-eve', 5))
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

/** A store of the service, and what the settings of the command name it by. */
async function placeOf(
  kind: string,
): Promise<{ store: Store; env: Record<string, string>; stop(): unknown }> {
  if (kind === 'folder') {
    const store = join(dir, 'store')
    return { store: fileStore({ dir: store }), env: { PX_USAGE_DIR: store }, stop() {} }
  }
  const server = await startRedis()
  const client = await connectClient('ioredis', { port: server.port })
  const store = redisStore({ sendCommand: (args) => client.sendCommand(args) })
  return { store, env: { PX_USAGE_REDIS: `redis://127.0.0.1:${server.port}` }, stop: client.close }
}

test.each(hasRedis() ? ['folder', 'Redis'] : ['folder'])(
  'audit without --sent finds each fault by what the %s of the service keeps',
  async (kind) => {
    await using px = await startEmulator({ port: 0, now: () => afterDays })
    const { store, env: ofStore, stop } = await placeOf(kind)
    await countDays(store, px)
    await stop()
    const env = { PX_BASE_URL: px.url, PX_API_KEY: px.apiKey, ...ofStore }
    const args = ['audit', `${countedDays[0]}..${countedDays[2]}`, '--json']
    const run = () => runCli(args, { env, now: () => afterDays })
    const sent = await run()
    expect(sent).toMatchObject({ code: 0, err: '' })
    const { totals, daysWithoutRecord } = JSON.parse(sent.out)
    const events = [...px.events()]
    expect(totals.reduce((sum: number, name: { sent: number }) => sum + name.sent, 0)).toBe(events.length)
    expect(daysWithoutRecord).toEqual([])

    px.reset()
    const [lost, twice, changed, ...kept] = events as [
      PostedEvent,
      PostedEvent,
      PostedEvent,
      ...PostedEvent[],
    ]
    const ofEve = { identifyId: 'eve', attributes: { ...changed.attributes, rollupId: 'id-eve' } }
    const strange = { ...changed, ...ofEve }
    const other = { ...changed, attributes: { ...changed.attributes, apiCalls: 77_777 } }
    for (const one of [twice, twice, other, ...kept, strange]) await post(px, one)
    const found = await run()
    expect(found.code).toBe(1)
    expect(
      JSON.parse(found.out)
        .faults.map(({ kind, userId }: { kind: string; userId: string }) => `${kind} ${userId}`)
        .sort(),
    ).toEqual(
      [
        `missing ${lost.identifyId}`,
        `doubled ${twice.identifyId}`,
        `changed ${changed.identifyId}`,
        'foreign eve',
      ].sort(),
    )
  },
)

test('audit of a folder without counts ends with 3', async () => {
  const env = { PX_BASE_URL: 'http://127.0.0.1:1', PX_API_KEY: 'k' }
  const args = ['audit', '2026-11-23', '--dir', dir]
  expect(await runCli(args, { env, now: () => afterDays })).toMatchObject({ code: 3 })
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
