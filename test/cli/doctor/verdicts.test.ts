import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createPastDays } from '@px-usage/core/adapter'
import { redisStore } from '@px-usage/redis'
import { type Emulator, type Fault, startEmulator } from 'px-emulator'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Check } from '../../../packages/cli/src/doctor/check.ts'
import { checkPx } from '../../../packages/cli/src/doctor/run-doctor.ts'
import { checkFolder } from '../../../packages/cli/src/doctor/store/folder-checks.ts'
import { readFolderFacts } from '../../../packages/cli/src/doctor/store/folder-facts.ts'
import { checkVersions } from '../../../packages/cli/src/doctor/version-checks.ts'
import { connectClient } from '../../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server.ts'
import { runCli } from '../../support/run-cli.ts'

const dayMs = 86_400_000
const root = mkdtempSync(join(tmpdir(), 'px-usage-doctor-'))
chmodSync(root, 0o755)
let emulator: Emulator
let redis: RedisServer | undefined

/** How `px-usage doctor` is run, from a healthy set-up on. */
interface SetUp {
  args: string[]
  env: Record<string, string>
  now: () => number
}
/** Breaks a set-up. It may return the checks of a part that cannot be broken in a test through the command. */
type Break = (setUp: SetUp) => Check[] | undefined | Promise<Check[] | undefined>
type Row = readonly [fault: string, verdicts: string[], break_: Break]

async function healthy(): Promise<SetUp> {
  for (const userId of ['ann', 'bob']) await post({ userId })
  const dir = join(root, 'store')
  mkdirSync(dir, { recursive: true })
  const attributes = ['--user-attribute', 'dailyCalls', '--account-attribute', 'plan']
  return {
    args: ['--dir', dir, '--app', join(import.meta.dirname, '../../..'), ...attributes],
    env: { PX_BASE_URL: emulator.url, PX_API_KEY: emulator.apiKey, PX_PRODUCT_KEY: emulator.productKey },
    now: Date.now,
  }
}

async function post(given: { userId: string; apiCalls?: number; timeZone?: string }): Promise<void> {
  const { userId, apiCalls = 5, timeZone = 'UTC' } = given
  const response = await fetch(`${emulator.url}/v1/events/custom`, {
    method: 'POST',
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ eventName: 'dailyApiCalls', identifyId: userId, propertyKey: emulator.productKey },
      ...{ userType: 'USER', date: Date.now() - dayMs },
      attributes: { day: '2026-11-22', timeZone, apiCalls, rollupId: `id-${userId}` },
    }),
  })
  expect(response.status).toBe(201)
}

const set =
  (env: Record<string, string>): Break =>
  (setUp) =>
    void Object.assign(setUp.env, env)
const without =
  (name: string): Break =>
  ({ env }) =>
    void delete env[name]
const give =
  (...args: string[]): Break =>
  (setUp) =>
    void setUp.args.push(...args)
const clock =
  (skewMs: number): Break =>
  (setUp) =>
    void Object.assign(setUp, { now: () => Date.now() + skewMs })
const px =
  (fault: Fault): Break =>
  () =>
    void emulator.addFault({ fault, url: '*' })
const key =
  (permissions: { read?: true; write?: true }, ...args: string[]): Break =>
  (setUp) => {
    emulator.addKey('weak', permissions)
    setUp.env.PX_API_KEY = 'weak'
    setUp.args.push(...args)
    return undefined
  }
const both =
  (...breaks: Break[]): Break =>
  async (setUp) => {
    for (const break_ of breaks) await break_(setUp)
    return undefined
  }

function installed(versions: Record<string, string>): string {
  const app = mkdtempSync(join(root, 'app-'))
  for (const [name, version] of Object.entries(versions)) {
    const file = join(app, 'node_modules', name, 'package.json')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify({ name, version }))
  }
  return app
}

/** Runs a task as a user without privileges. A test that runs as root could write to a folder that is read-only. */
function unprivileged<T>(task: () => T): T {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    return task()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

async function inOtherRegion({ env }: SetUp): Promise<Check[]> {
  await using europe = await startEmulator({ port: 0, apiKey: 'eu-key' })
  return await checkPx({
    ...{ baseUrl: env.PX_BASE_URL ?? '', apiKey: 'eu-key', productKey: env.PX_PRODUCT_KEY, timeZone: 'UTC' },
    ...{ attributes: { user: [], account: [] }, eventName: 'dailyApiCalls', sendTestEvent: false },
    otherRegions: { eu: europe.url },
  })
}

const html = {
  status: 200,
  body: '<!doctype html><title>Sign in</title>',
  headers: { 'content-type': 'text/html' },
}
const unfiltered = {
  status: 200,
  body: JSON.stringify({
    customEvents: [{ eventId: '1', eventName: 'dailyApiCalls', identifyId: 'ann', attributes: {} }],
    ...{ totalHits: 1, scrollId: null },
  }),
  headers: { 'content-type': 'application/json' },
}

const ofPx: Row[] = [
  ['no API key', ['failure: API key'], without('PX_API_KEY')],
  ['no product key', ['failure: product key'], without('PX_PRODUCT_KEY')],
  ['the two keys swapped', ['failure: API key'], set({ PX_API_KEY: 'AP-DEMO-2', PX_PRODUCT_KEY: 'k' })],
  ['an unknown API key', ['failure: API key'], set({ PX_API_KEY: 'other' })],
  ['the key of another region', ['failure: address of PX'], inOtherRegion],
  ['a key without Read', ['warning: API key'], key({ write: true })],
  ['a key without Write', ['failure: Write permission'], key({ read: true }, '--send-test-event')],
  ['an unknown product key', ['failure: product key'], set({ PX_PRODUCT_KEY: 'AP-OTHER-2' })],
  ['a zone with another midnight', ['warning: time zone'], set({ PX_TIME_ZONE: 'Africa/Lagos' })],
  ['a zone 13 h away', ['failure: time zone'], set({ PX_TIME_ZONE: 'Pacific/Tongatapu' })],
  ['a clock a minute ahead', ['warning: clock'], clock(60_000)],
  ['a clock an hour behind', ['failure: clock'], clock(-3_600_000)],
  ['an undeclared attribute', ['failure: user attribute'], give('--user-attribute', 'calls')],
  ['an attribute in another case', ['failure: user attribute'], give('--user-attribute', 'DailyCalls')],
  [
    'an attribute that is switched off',
    ['failure: account attribute'],
    both(
      () =>
        emulator.declareAttributes('account', [
          { apiName: 'plan', type: 'NUMBER' },
          { apiName: 'off', type: 'NUMBER', state: 'DISABLED' },
        ]) as undefined,
      give('--account-attribute', 'off'),
    ),
  ],
  [
    'an attribute that is a text',
    ['warning: user attribute'],
    () => emulator.declareAttributes('user', [{ apiName: 'dailyCalls', type: 'STRING' }]) as undefined,
  ],
  ['several senders', ['failure: senders'], () => post({ userId: 'ann', apiCalls: 9 }) as Promise<undefined>],
  ['an event twice', ['warning: senders'], () => post({ userId: 'ann' }) as Promise<undefined>],
  [
    'services of one product in two zones',
    ['warning: senders'],
    () => post({ userId: 'cai', timeZone: 'Asia/Tokyo' }) as Promise<undefined>,
  ],
  [
    'a proxy that removes the filters',
    ['failure: filters of PX'],
    () => void emulator.addFault({ url: '/v1/events/*', fault: unfiltered }),
  ],
  ['PX responds 500', ['failure: address of PX'], px({ status: 500 })],
  ['PX responds 429', ['warning: address of PX'], px({ status: 429 })],
  [
    'the daily limit is used up',
    ['warning: address of PX'],
    () => emulator.setSwitches({ requestsPerDay: 2 }) as undefined,
  ],
  ['a login page in front of PX', ['failure: address of PX'], px(html)],
  ['a redirect', ['failure: address of PX'], px({ status: 302, headers: { location: '/login' } })],
  ['PX cuts the connection', ['failure: address of PX'], px({ reset: true })],
  ['a response cut short', ['failure: address of PX'], px({ truncate: true })],
  ['nothing listens', ['failure: address of PX'], set({ PX_BASE_URL: 'http://127.0.0.1:1' })],
]

const facts = (dir: string) => readFolderFacts(dir, { env: {} })

const ofHost: Row[] = [
  [
    'a read-only folder',
    ['failure: folder'],
    () => {
      const dir = mkdtempSync(join(root, 'read-only-'))
      chmodSync(dir, 0o555)
      return checkFolder(unprivileged(() => facts(dir)))
    },
  ],
  [
    'a file in place of the folder',
    ['failure: folder'],
    ({ args }) => {
      writeFileSync(join(root, 'file'), '')
      args.push('--dir', join(root, 'file'))
      return undefined
    },
  ],
  ['a folder that does not exist', ['warning: folder'], give('--dir', join(root, 'none'))],
  [
    'a folder that all users can write to',
    ['warning: folder'],
    ({ args }) => {
      const dir = mkdtempSync(join(root, 'open-'))
      chmodSync(dir, 0o777)
      args.push('--dir', dir)
      return undefined
    },
  ],
  [
    'a folder in memory',
    ['failure: file system'],
    () =>
      checkFolder({
        ...facts(root),
        fileSystem: existsSync('/dev/shm') ? facts('/dev/shm').fileSystem : 'tmpfs',
      }),
  ],
  ['an emptyDir volume', ['failure: file system'], () => checkFolder({ ...facts(root), lifetime: 'pod' })],
  [
    'the layer of a container',
    ['failure: file system'],
    () => checkFolder({ ...facts(root), lifetime: 'container' }),
  ],
  ['a network disk', ['failure: file system'], () => checkFolder({ ...facts(root), fileSystem: 'nfs4' })],
  ['a full disk', ['failure: folder'], () => checkFolder({ ...facts(root), writeError: 'ENOSPC' })],
  [
    'an unsupported Express',
    ['failure: express'],
    (given) => give('--app', installed({ express: '4.10.0' }))(given),
  ],
  ['an unsupported Koa', ['failure: koa'], (given) => give('--app', installed({ koa: '1.7.0' }))(given)],
  [
    'an Express newer than tested',
    ['warning: express'],
    (given) => give('--app', installed({ express: '6.0.0' }))(given),
  ],
  [
    'px-usage packages of two versions',
    ['warning: px-usage'],
    (given) =>
      give('--app', installed({ koa: '3.0.0', '@px-usage/core': '0.1.0', '@px-usage/koa': '0.2.0' }))(given),
  ],
  ['an unsupported Node.js', ['failure: Node.js'], () => checkVersions(root, 'v18.20.0')],
]

const redisUrl = (login = '') => `redis://${login}127.0.0.1:${redis?.port}`
const ofRedis: Row[] = [
  ['Redis is down', ['failure: Redis'], give('--redis', 'redis://127.0.0.1:1')],
  ['a wrong password of Redis', ['failure: Redis'], (given) => give('--redis', redisUrl('px:no@'))(given)],
  [
    'Redis evicts keys',
    ['failure: Redis policy'],
    both(config('maxmemory', '200mb'), config('maxmemory-policy', 'allkeys-lru')),
  ],
  ['Redis is not durable', ['warning: Redis durability'], config('appendonly', 'no')],
  [
    'Redis refuses a command to the user',
    ['failure: Redis permissions'],
    async (given) => {
      await redis?.command(
        'ACL',
        'SETUSER',
        'px',
        'reset',
        'on',
        '>p',
        '~px-usage:*',
        '+@all',
        '-zadd',
        '-eval',
      )
      return give('--redis', redisUrl('px:p@'))(given)
    },
  ],
  [
    'Redis is a replica',
    ['failure: Redis'],
    async () => void (await redis?.command('REPLICAOF', '127.0.0.1', '1')),
  ],
  [
    'two services of a product in Redis, in two zones',
    ['warning: senders in the store'],
    async () => {
      const client = await connectClient('node-redis', { port: redis?.port as number })
      for (const timeZone of ['UTC', 'Asia/Tokyo']) {
        const store = redisStore({ sendCommand: (args) => client.sendCommand(args) })
        await store.open(createPastDays({ productKey: 'AP-X-2', timeZone, onProblem() {} }).context)
        opened.push(store)
      }
      opened.push(client)
      return undefined
    },
  ],
]
const opened: Array<{ close(): Promise<void> }> = []

function config(name: string, value: string): Break {
  return async () => void (await redis?.command('CONFIG', 'SET', name, value))
}

async function faultsOf({ args, env, now }: SetUp, found?: Check[]): Promise<Array<Check>> {
  const checks =
    found ?? (JSON.parse((await runCli(['doctor', '--json', ...args], { env, now })).out).checks as Check[])
  return checks.filter(({ verdict }) => verdict === 'warning' || verdict === 'failure')
}

const table: string[] = []
const isPrinted = process.env.PRINT_TABLE !== undefined

async function verify([fault, verdicts, break_]: Row, setUp: SetUp): Promise<void> {
  const checks = await faultsOf(setUp, await break_(setUp))
  expect(checks.map(({ verdict, name }) => `${verdict}: ${name}`)).toEqual(verdicts)
  for (const { verdict, name, found, cure } of checks) {
    expect(cure).toMatch(/\.$|^Run: /)
    table.push(`| ${fault} | ${verdict} of ${name} | ${found.replaceAll(root, '')} |`)
  }
}

beforeEach(async () => {
  emulator = await startEmulator({
    port: 0,
    attributes: {
      user: [{ apiName: 'dailyCalls', type: 'NUMBER' }],
      account: [{ apiName: 'plan', type: 'NUMBER' }],
    },
  })
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
  await emulator.close()
  await redis?.stop()
  redis = undefined
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
  if (isPrinted) console.log(['| Fault | Verdict | Found |', '|---|---|---|', ...table].join('\n'))
})

describe('px-usage doctor', () => {
  it('finds no fault in a healthy set-up, with filters joined by OR or by AND', async () => {
    const setUp = await healthy()
    for (const repeatedFilters of ['or', 'and'] as const) {
      emulator.setSwitches({ repeatedFilters })
      const { code, out } = await runCli(['doctor', '--json', ...setUp.args], setUp)
      const { failures, warnings, checks } = JSON.parse(out)
      expect([code, failures, warnings]).toEqual([0, 0, 0])
      const { found } = (checks as Check[]).find(({ name }) => name === 'filters of PX') as Check
      expect(found).toContain(repeatedFilters.toUpperCase())
    }
  })

  it.each([...ofPx, ...ofHost])('finds %s: %j', async (...row) => verify(row, await healthy()))
})

describe.runIf(hasRedis())('px-usage doctor --redis', () => {
  const withRedis = async () => {
    redis = await startRedis({ user: { name: 'px', password: 'p', rules: '~* +@all' } })
    const setUp = await healthy()
    // The flag of the folder would be stronger.
    setUp.args.splice(0, 2, '--redis', redisUrl())
    return setUp
  }

  it('finds no fault in a healthy set-up', async () => {
    expect(await faultsOf(await withRedis())).toEqual([])
  })

  it.each(ofRedis)('finds %s: %j', async (...row) => verify(row, await withRedis()))
})
