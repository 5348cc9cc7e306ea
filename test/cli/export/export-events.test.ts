import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisStore } from '@px-usage/redis'
import { parse } from 'csv-parse/sync'
import { type Emulator, type Report, startEmulator } from 'px-emulator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { afterDays, countDays, countedDays } from '../../support/counted-days.ts'
import { connectClient } from '../../support/redis-clients.ts'
import { hasRedis, startRedis } from '../../support/redis-server.ts'
import { runCli } from '../../support/run-cli.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-export-'))
const now = () => afterDays
const range = `${countedDays[0]}..${countedDays[2]}`
let direct: Emulator
let target: Emulator

beforeAll(async () => {
  // The data loader sends every attribute as a text. Whether PX adds such texts up is not documented.
  const options = { port: 0, now, switches: { requestsPerSecond: null, numericStrings: 'count' } } as const
  direct = await startEmulator(options)
  target = await startEmulator(options)
  await countDays(join(dir, 'sent'), direct)
  await countDays(join(dir, 'dry'), direct, { dryRun: true })
  await countDays(join(dir, 'handed'), direct, { delivery: async () => ({ outcome: 'delivered' }) })
})
afterAll(async () => {
  await Promise.all([direct.close(), target.close()])
  rmSync(dir, { recursive: true })
})

/** Everything that the report page can show of these days. */
function reportsOf(px: Emulator): Report[] {
  return ['dailyApiCalls', 'dailyEndpointCalls'].flatMap((eventName) =>
    (['Sum', 'Average', 'Count', 'Min', 'Max', 'Users'] as const).flatMap((fn) =>
      ['apiCalls', 'serverErrors'].flatMap((property) =>
        [undefined, 'identifyId', 'accountId', 'endpoint', 'day'].map((by) => {
          const days = { from: countedDays[0], to: countedDays[2], scope: 'Daily', timeZone: 'UTC' } as const
          const query = { eventName, property, function: fn, ...days, ...(by === undefined ? {} : { by }) }
          const report = px.report(query)
          // Series of equal height come in the order in which their events arrived.
          return { ...report, series: [...report.series].sort((a, b) => (a.name < b.name ? -1 : 1)) }
        }),
      ),
    ),
  )
}

async function post(body: string): Promise<number> {
  const headers = { 'X-APTRINSIC-API-KEY': target.apiKey, 'content-type': 'application/json' }
  return (await fetch(`${target.url}/v1/events/custom`, { method: 'POST', headers, body })).status
}

interface LoaderConfig {
  readonly apiKey: string
  readonly productKey: string
  readonly fieldMapping: { readonly CUSTOM_EVENT: Readonly<Record<string, string>> }
}

/** Sends the rows of a CSV as PX's data loader does: every value is a text but the date, and an empty cell of an attribute as well. */
async function load(csv: string, { productKey, fieldMapping }: LoaderConfig): Promise<void> {
  for (const row of parse(csv, { columns: true, bom: true }) as Array<Record<string, string>>) {
    const event: Record<string, unknown> = { userType: 'USER', propertyKey: productKey }
    const attributes: Record<string, string> = {}
    for (const [field, column] of Object.entries(fieldMapping.CUSTOM_EVENT)) {
      const value = row[column] ?? ''
      const [, attribute] = /^attributes\.(.+)$/.exec(field) ?? []
      if (attribute !== undefined) attributes[attribute] = value
      else if (field === 'date') event.date = Number.parseInt(value, 10)
      else if (value !== '') event[field] = value
    }
    expect(await post(JSON.stringify({ ...event, attributes }))).toBe(201)
  }
}

/** Sends what an export printed, and compares what PX then shows. */
async function expectReportsOf({ code, out }: { code: number; out: string }): Promise<void> {
  target.reset()
  expect(code).toBe(0)
  const bodies = out.trimEnd().split('\n')
  expect(bodies).toHaveLength(direct.events().length)
  for (const body of bodies) expect(await post(body)).toBe(201)
  expect(reportsOf(target)).toEqual(reportsOf(direct))
  expect(reportsOf(target).some(({ series }) => series.some(({ values }) => values.some(Boolean)))).toBe(true)
}

test.each(['sent', 'handed', 'dry'])(
  'JSON lines of a folder (%s) give the report of direct delivery',
  async (which) => {
    const exported = await runCli(['export', range, '--dir', join(dir, which)], { now })
    expect(exported.err.includes('doubles')).toBe(which !== 'dry')
    await expectReportsOf(exported)
  },
)

test.skipIf(!hasRedis())('JSON lines of a Redis give the report of direct delivery', async () => {
  const server = await startRedis()
  const client = await connectClient('node-redis', { port: server.port })
  const delivered = async () => ({ outcome: 'delivered' }) as const
  const store = redisStore({ sendCommand: (args) => client.sendCommand(args) })
  await countDays(store, direct, { delivery: delivered })
  await client.close()
  await expectReportsOf(
    await runCli(['export', range, '--redis', `redis://127.0.0.1:${server.port}`], { now }),
  )
})

test('files for PX’s data loader give the report of direct delivery, by their own config', async () => {
  target.reset()
  const folder = join(dir, 'loader')
  const args = [
    'export',
    range,
    '--format',
    'loader',
    '--output',
    folder,
    '--dir',
    join(dir, 'sent'),
    '--json',
  ]
  const { code, out } = await runCli(args, { now })
  const { files, events } = JSON.parse(out)
  expect([code, events, readdirSync(folder).length]).toEqual([0, direct.events().length, files.length * 2])
  for (const { path, config } of files) {
    await load(readFileSync(path, 'utf8'), JSON.parse(readFileSync(config, 'utf8')))
  }
  expect(reportsOf(target)).toEqual(reportsOf(direct))
  target.setSwitches({ numericStrings: 'ignore' })
  expect(reportsOf(target)).not.toEqual(reportsOf(direct))
})

test('a table has a row for each event, and no id that is a formula', async () => {
  const path = join(dir, 'events.csv')
  const args = ['export', range, '--format', 'csv', '--output', path, '--dir', join(dir, 'sent')]
  expect((await runCli(args, { now })).code).toBe(0)
  const rows = parse(readFileSync(path), { bom: true, columns: true }) as Array<Record<string, string>>
  expect(rows).toHaveLength(direct.events().length)
  const calls = rows.filter(({ Event }) => Event === 'dailyApiCalls').map(({ apiCalls }) => Number(apiCalls))
  const sum = direct
    .events()
    .filter(({ eventName }) => eventName === 'dailyApiCalls')
    .reduce((all, { attributes }) => all + Number(attributes?.apiCalls), 0)
  expect(calls.reduce((all, one) => all + one, 0)).toBe(sum)
  expect(rows.map(({ User }) => User)).toContain("'=1+1")
})
