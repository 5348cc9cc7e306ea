import { createMeter, memoryStore, UsageError } from '@px-usage/core'
import { pxUsage as pxUsageExpress } from '@px-usage/express'
import { pxUsage as pxUsageKoa } from '@px-usage/koa'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const keys = { apiKey: 'secret-key', productKey: 'AP-OPTIONS12345-2' }

function thrownBy(act: () => unknown): UsageError {
  try {
    act()
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}

beforeEach(() => {
  for (const name of [
    'API_KEY',
    'PRODUCT_KEY',
    'REGION',
    'BASE_URL',
    'TIME_ZONE',
    'USAGE_DIR',
    'USAGE_ENABLED',
  ]) {
    vi.stubEnv(`PX_${name}`, undefined)
  }
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** What was given, the code, and what the message must say: the value, and the cure. */
const mistakes: Array<[string, () => unknown, string, string[]]> = [
  [
    'no API key',
    () => createMeter({ productKey: 'AP-1' }),
    'PXU_ERR_OPTIONS_API_KEY_MISSING',
    ['apiKey is missing', 'PX_API_KEY'],
  ],
  [
    'an empty API key',
    () => createMeter({ ...keys, apiKey: ' ' }),
    'PXU_ERR_OPTIONS_API_KEY_MISSING',
    ['PX_API_KEY'],
  ],
  [
    'properties that are a number',
    () => pxUsageExpress({ ...keys, identify: () => null, properties: 42 as never }),
    'PXU_ERR_OPTIONS_INVALID',
    ['properties is 42', 'object'],
  ],
  [
    'a property that PX cannot keep',
    () => createMeter({ ...keys, properties: { apiType: 'RESTful', plan: {} as never } }),
    'PXU_ERR_OPTIONS_INVALID',
    ['"plan"', 'flat values'],
  ],
  [
    'an API key with a line break in it',
    () => createMeter({ ...keys, apiKey: 'secret-key\nsecret-key' }),
    'PXU_ERR_OPTIONS_INVALID',
    ['apiKey', 'line break'],
  ],
  [
    'no product key',
    () => createMeter({ apiKey: 'a' }),
    'PXU_ERR_OPTIONS_PRODUCT_KEY_MISSING',
    ['PX_PRODUCT_KEY', 'AP-'],
  ],
  [
    'a bad region',
    () => createMeter({ ...keys, region: 'mars' as 'us' }),
    'PXU_ERR_OPTIONS_REGION_UNKNOWN',
    ['"mars"', "'us2'"],
  ],
  [
    'a bad zone',
    () => createMeter({ ...keys, timeZone: 'Mars/Base' }),
    'PXU_ERR_OPTIONS_TIME_ZONE_UNKNOWN',
    ['"Mars/Base"', 'IANA'],
  ],
  [
    'a base URL that is none',
    () => createMeter({ ...keys, baseUrl: 'px' }),
    'PXU_ERR_OPTIONS_BASE_URL_INVALID',
    ['"px"', 'https'],
  ],
  [
    'plain http to another host',
    () => createMeter({ ...keys, baseUrl: 'http://px.example' }),
    'PXU_ERR_OPTIONS_BASE_URL_INVALID',
    ['https'],
  ],
  [
    'an unknown option',
    () => createMeter({ ...keys, timezone: 'UTC' } as object),
    'PXU_ERR_OPTIONS_UNKNOWN',
    ['"timezone"', 'timeZone?'],
  ],
  [
    'a misspelt option',
    () => createMeter({ ...keys, graceMS2: 1 } as object),
    'PXU_ERR_OPTIONS_UNKNOWN',
    ['"graceMS2"', 'graceMs?'],
  ],
  [
    'a negative grace',
    () => createMeter({ ...keys, graceMs: -1 }),
    'PXU_ERR_OPTIONS_INVALID',
    ['graceMs is -1', 'at least 1000'],
  ],
  [
    'a store that is none',
    () => createMeter({ ...keys, store: {} as never }),
    'PXU_ERR_OPTIONS_INVALID',
    ['memoryStore()'],
  ],
  [
    'the key in the place of the options',
    () => pxUsageExpress(keys.apiKey as never),
    'PXU_ERR_OPTIONS_INVALID',
    ['of type string', 'object of options'],
  ],
  [
    'the key in the place of the options of a meter',
    () => createMeter(keys.apiKey as never),
    'PXU_ERR_OPTIONS_INVALID',
    ['of type string', 'object of options'],
  ],
  [
    'what is meant to be a store, with a password in it',
    () => createMeter({ ...keys, store: { url: `redis://:${keys.apiKey}@cache` } as never }),
    'PXU_ERR_OPTIONS_INVALID',
    ['store is a value of the type object', 'memoryStore()'],
  ],
  [
    'limits without a prototype or a meaning',
    () => createMeter({ ...keys, limits: Object.assign(Object.create(null), { series: [] }) }),
    'PXU_ERR_OPTIONS_INVALID',
    ['limits.series is []', 'at least 1'],
  ],
  [
    'no rollups',
    () => createMeter({ ...keys, rollups: [] }),
    'PXU_ERR_OPTIONS_INVALID',
    ['rollups is []', 'dailyApiCalls'],
  ],
  [
    'no identify in Express',
    () => pxUsageExpress(keys as never),
    'PXU_ERR_OPTIONS_IDENTIFY_MISSING',
    ['identify: (req)'],
  ],
  ['no identify in Koa', () => pxUsageKoa(keys as never), 'PXU_ERR_OPTIONS_IDENTIFY_MISSING', ['identify']],
  [
    'an identify that is no function',
    () => pxUsageExpress({ ...keys, identify: 'ann' as never }),
    'PXU_ERR_OPTIONS_INVALID',
    ['identify is "ann"', 'function'],
  ],
  [
    'an ignore that is a text',
    () => pxUsageKoa({ ...keys, identify: () => null, ignore: '/health' as never }),
    'PXU_ERR_OPTIONS_INVALID',
    ['"/health"', "['GET /health']"],
  ],
]

describe('a mistake in the options throws at construction, with code, value and remedy:', () => {
  it.each(mistakes)('%s', (_what, act, code, told) => {
    const error = thrownBy(act)
    expect(error.code).toBe(code)
    expect(error.help).toBe(
      `https://github.com/px-usage/px-usage/blob/main/docs/error-codes.md#${code.toLowerCase()}`,
    )
    for (const part of [...told, ` See ${error.help}`]) expect(error.message).toContain(part)
    expect(error.message).toMatch(/[.?] See https:[^ ]+[^.]$/)
    expect(error.message).not.toContain(keys.apiKey)
    console.log(`${error.code}: ${error.message}`)
  })
})

describe('options', () => {
  it('come from the environment where they are not given', async () => {
    vi.stubEnv('PX_API_KEY', 'from-env')
    vi.stubEnv('PX_PRODUCT_KEY', 'AP-ENV')
    vi.stubEnv('PX_TIME_ZONE', 'Asia/Tokyo')
    const meter = createMeter({ store: memoryStore(), timeZone: undefined })
    expect(meter.stats().timeZone).toBe('Asia/Tokyo')
    await meter.close()
  })

  it('need no keys in a dry run', async () => {
    const meter = createMeter({ dryRun: true, store: memoryStore() })
    meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
    expect((await meter.preview()).map(({ eventName }) => eventName)).toEqual([
      'dailyApiCalls',
      'dailyEndpointCalls',
    ])
    await meter.close()
  })

  it.each([
    'https://api.aptrinsic.com',
    'https://api.aptrinsic.com/v1',
    'https://api.aptrinsic.com/v1/',
    'http://127.0.0.1:7070',
    'http://localhost:7070',
    'http://[::1]:7070/v1',
  ])('take the base %s', async (baseUrl) => {
    await createMeter({ ...keys, baseUrl, store: memoryStore() }).close()
  })
})

it.each([
  'http://127.0.0.1.evil.example',
  'http://localhost.example',
  'http://0.0.0.0',
  'ftp://127.0.0.1',
  'http://10.0.0.7',
])('the API key is not sent in clear to %s', (baseUrl) => {
  expect(() => createMeter({ ...keys, baseUrl, store: memoryStore() })).toThrow(/PXU|https/)
})
