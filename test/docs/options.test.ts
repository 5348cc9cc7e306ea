import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileStoreOptions, IdentifyByOptions, MeterOptions, WebhookOptions } from '@px-usage/core'
import type { CallOptions, UsageOptions } from '@px-usage/http'
import type { RedisStoreOptions } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../packages/core/src/options/parse-options.ts'
import { root, tableOf } from './pages.ts'

type Names<Options> = Record<keyof Options, true>

/** Kept complete by the compiler. */
const ofMeter: Names<MeterOptions> = {
  apiKey: true,
  productKey: true,
  region: true,
  baseUrl: true,
  properties: true,
  timeZone: true,
  rollups: true,
  attributes: true,
  zeroFill: true,
  store: true,
  limits: true,
  graceMs: true,
  identifyTimeoutMs: true,
  requestTimeoutMs: true,
  maxRequestsPerSecond: true,
  maxRequestsPerDay: true,
  startJitterMs: true,
  lookUp: true,
  lookUpAfterMs: true,
  closeOnSignal: true,
  enabled: true,
  dryRun: true,
  onError: true,
  clock: true,
  dispatcher: true,
  delivery: true,
}
const ofCall: Names<CallOptions<unknown> & Pick<UsageOptions<unknown>, 'meter' | 'enabled'>> = {
  identify: true,
  properties: true,
  measures: true,
  endpoint: true,
  ignore: true,
  meter: true,
  enabled: true,
}
const ofWebhook: Names<WebhookOptions> = { url: true, secret: true, headers: true }
const ofFileStore: Names<FileStoreOptions> = { dir: true, durability: true, keepSentBytes: true }
const ofRedisStore: Names<Omit<RedisStoreOptions, 'sendCommand'>> = {
  keyPrefix: true,
  shards: true,
  dir: true,
  keepSentBytes: true,
}
const ofIdentifyBy: Names<IdentifyByOptions<unknown>> = {
  credential: true,
  lookup: true,
  max: true,
  ttlMs: true,
  negativeTtlMs: true,
  timeoutMs: true,
  clock: true,
}

/** The names in the first column. */
function documented(path: string, heading: string): string[] {
  return tableOf(path, heading).map(([first = '']) => /^`(\w+)`/.exec(first)?.[1] ?? first)
}

describe('docs/options.md and docs/identify.md', () => {
  it.each([
    ['docs/options.md', 'Options of the meter', ofMeter],
    ['docs/options.md', 'Options of a call', ofCall],
    ['docs/options.md', 'Options of fileStore', ofFileStore],
    ['packages/redis/README.md', 'Options', ofRedisStore],
    ['docs/webhook.md', 'Options of webhookDelivery', ofWebhook],
    ['docs/identify.md', 'Callers that must be looked up', ofIdentifyBy],
  ])('%s lists the %s in their order, and no other', (path, heading, options) => {
    expect(documented(path, heading)).toEqual(Object.keys(options))
  })

  it('have the defaults of the code', () => {
    const settings: Record<string, unknown> = {
      ...parseOptions({ apiKey: 'a-key', productKey: 'AP-DOCS12345678-2' }, {}),
      enabled: true,
      region: 'us',
    }
    const rows = tableOf('docs/options.md', 'Options of the meter').map(([name = '', value = '']) => ({
      name: /^`(\w+)`/.exec(name)?.[1] as string,
      value: value.replace(/ \(.*\)$/, '').replaceAll('`', ''),
    }))
    const simple = rows.filter(({ name }) => ['number', 'boolean', 'string'].includes(typeof settings[name]))
    const own = ['apiKey', 'productKey', 'baseUrl']
    const compared = simple.filter(({ name }) => !own.includes(name))
    expect(compared.length).toBeGreaterThan(10)
    for (const { name, value } of compared) {
      expect(value.replace(/^'(.*)'$/, '$1'), name).toBe(String(settings[name]))
    }
    const cell = (name: string) => rows.find((row) => row.name === name)?.value ?? ''
    const entries = Object.entries(settings.limits as object).map(([name, value]) => `${name}: ${value}`)
    expect(cell('limits')).toBe(`{ ${entries.join(', ')} }`)
    const rollups = settings.rollups as { eventName: string; by: string }[]
    expect(cell('rollups')).toBe(rollups.map(({ eventName, by }) => `${eventName} by ${by}`).join(', '))
    const [property] = Object.entries(settings.properties as object)
    expect(cell('properties')).toBe(`{ ${property?.[0]}: '${property?.[1]}' }`)
    expect(cell('timeZone')).toBe(`'${(settings.days as { timeZone: string }).timeZone}'`)
  })

  it('give times of more than a millisecond once more in a unit for humans', () => {
    const units = { ms: 1, second: 1_000, seconds: 1_000, minutes: 60_000, hours: 3_600_000 }
    const times = [
      ...tableOf('docs/options.md', 'Options of the meter'),
      ...tableOf('docs/identify.md', 'Callers that must be looked up'),
    ].filter(([name = '']) => /Ms`/.test(name))
    expect(times.length).toBeGreaterThan(6)
    for (const [name, value = ''] of times) {
      const [, ms, number, unit] = /^(\d+) \((\d+) (\w+)\)$/.exec(value) ?? []
      expect(Number(number) * units[unit as keyof typeof units], name).toBe(Number(ms))
    }
  })

  it('name the variables of the environment that the code reads, and no other', () => {
    const source = readdirSync(join(root, 'packages/core/src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, 'packages/core/src', file), 'utf8'))
    const read = source.flatMap((text) => [...text.matchAll(/variable\(env, '(\w+)'\)/g)].map(([, it]) => it))
    const listed = tableOf('docs/options.md', 'Options of the meter').flatMap(
      ([name = '']) => /\(`(\w+)`\)/.exec(name)?.[1] ?? [],
    )
    expect(listed.sort()).toEqual([...new Set(read)].sort())
  })
})
