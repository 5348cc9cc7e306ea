import { type Emulator, type EmulatorOptions, type Fault, type Switches, startEmulator } from 'px-emulator'
import { afterEach, describe, expect, it, test } from 'vitest'
import { checkPx, otherRegionsThan, type PxToCheck } from '../../../packages/cli/src/doctor/run-doctor.ts'

const dayMs = 86_400_000
const attributes = { user: [{ apiName: 'dailyCalls', type: 'NUMBER' as const }], account: [] }

let emulator: Emulator
afterEach(() => emulator.close())

/** An emulator with the events of yesterday, and the settings of a healthy sender. */
async function healthy(options: EmulatorOptions = {}): Promise<PxToCheck> {
  emulator = await startEmulator({ port: 0, attributes, ...options })
  for (const userId of ['ann', 'bob']) await post({ userId, rollupId: `id-${userId}`, apiCalls: 5 })
  return {
    baseUrl: emulator.url,
    apiKey: emulator.apiKey,
    productKey: emulator.productKey,
    timeZone: 'UTC',
    attributes: { user: ['dailyCalls'], account: [] },
    eventName: 'dailyApiCalls',
    sendTestEvent: false,
    otherRegions: {},
  }
}

interface Posted {
  userId: string
  rollupId?: string
  apiCalls: number
  timeZone?: string
  productKey?: string
}

async function post({ userId, productKey = emulator.productKey, timeZone = 'UTC', ...more }: Posted) {
  const event = {
    eventName: 'dailyApiCalls',
    identifyId: userId,
    propertyKey: productKey,
    userType: 'USER',
    date: Date.now() - dayMs,
    attributes: { day: '2026-11-22', timeZone, ...more },
  }
  const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey, 'content-type': 'application/json' }
  const response = await fetch(`${emulator.url}/v1/events/custom`, {
    method: 'POST',
    headers,
    body: JSON.stringify(event),
  })
  expect(response.status).toBe(201)
}

const check = (given: PxToCheck, { skewMs = 0, timeoutMs = 10_000 } = {}) =>
  checkPx(given, { now: () => Date.now() + skewMs, timeoutMs })

/** The checks with a warning or a failure, as `verdict name`. */
async function faultsOf(
  given: PxToCheck,
  how: { skewMs?: number; timeoutMs?: number } = {},
): Promise<string[]> {
  const checks = await check(given, how)
  for (const { verdict, cure } of checks) {
    if (verdict === 'warning' || verdict === 'failure') expect(cure).toMatch(/\.$/)
  }
  return checks
    .filter(({ verdict }) => verdict === 'warning' || verdict === 'failure')
    .map(({ verdict, name }) => `${verdict}: ${name}`)
}

/** Changes the emulator and the settings. */
type Break = (given: PxToCheck) => PxToCheck | Promise<PxToCheck>
const fault =
  (fault: Fault, url = '*'): Break =>
  (given) => {
    emulator.addFault({ fault, url })
    return given
  }
const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html' }
const page = '<!doctype html><title>Sign in</title>'

const faults: ReadonlyArray<readonly [what: string, verdicts: string[], break_: Break]> = [
  ['no API key', ['failure: API key'], (given) => ({ ...given, apiKey: undefined })],
  ['an API key with a line break', ['failure: API key'], (given) => ({ ...given, apiKey: 'a\nb' })],
  [
    'API key and product key swapped',
    ['failure: API key'],
    (given) => ({ ...given, apiKey: 'AP-ABC-2', productKey: 'emulator-key' }),
  ],
  ['an unknown API key', ['failure: API key'], (given) => ({ ...given, apiKey: 'other' })],
  [
    'a key without Read (403)',
    ['warning: API key'],
    (given) => {
      emulator.addKey('writer', { write: true })
      return { ...given, apiKey: 'writer' }
    },
  ],
  [
    'a key without Read (401)',
    ['failure: API key'],
    (given) => {
      emulator.setSwitches({ weakKeyStatus: 401 })
      emulator.addKey('writer', { write: true })
      return { ...given, apiKey: 'writer' }
    },
  ],
  [
    'a key without Write, test event',
    ['failure: Write permission'],
    (given) => {
      emulator.addKey('reader', { read: true })
      return { ...given, apiKey: 'reader', sendTestEvent: true }
    },
  ],
  [
    'a key without Write (401), test event',
    ['failure: Write permission'],
    (given) => {
      emulator.setSwitches({ weakKeyStatus: 401 })
      emulator.addKey('reader', { read: true })
      return { ...given, apiKey: 'reader', sendTestEvent: true }
    },
  ],
  [
    'a product key that PX refuses, test event',
    ['failure: product key', 'failure: Write permission'],
    (given) => {
      emulator.setSwitches({ unknownProductKey: 'refuse' })
      return { ...given, productKey: 'AP-OTHER-2', sendTestEvent: true }
    },
  ],
  [
    'a test event with an unknown user, refused',
    ['failure: Write permission'],
    (given) => {
      emulator.setSwitches({ unknownUser: 'refuse' })
      return { ...given, sendTestEvent: true }
    },
  ],
  [
    'a test event whose name is not declared, refused',
    ['failure: Write permission'],
    (given) => {
      emulator.setSwitches({ undeclaredEvent: 'refuse' })
      return { ...given, sendTestEvent: true }
    },
  ],
  ['no product key', ['failure: product key'], (given) => ({ ...given, productKey: undefined })],
  [
    'a product key of another subscription',
    ['failure: product key'],
    (given) => ({ ...given, productKey: 'AP-OTHER-2' }),
  ],
  ['a time zone 1 h apart', ['warning: time zone'], (given) => ({ ...given, timeZone: 'Africa/Lagos' })],
  [
    'a time zone 13 h apart',
    ['failure: time zone'],
    (given) => ({ ...given, timeZone: 'Pacific/Tongatapu' }),
  ],
  [
    'an attribute that is not declared',
    ['failure: user attribute'],
    (given) => ({ ...given, attributes: { user: ['calls'], account: [] } }),
  ],
  [
    'an attribute in another case',
    ['failure: user attribute'],
    (given) => ({ ...given, attributes: { user: ['DailyCalls'], account: [] } }),
  ],
  [
    'an attribute that is switched off',
    ['failure: account attribute'],
    (given) => {
      emulator.declareAttributes('account', [{ apiName: 'calls', type: 'NUMBER', state: 'DISABLED' }])
      return { ...given, attributes: { user: [], account: ['calls'] } }
    },
  ],
  [
    'an attribute that is a text',
    ['warning: user attribute'],
    (given) => {
      emulator.declareAttributes('user', [{ apiName: 'calls', type: 'STRING' }])
      return { ...given, attributes: { user: ['calls'], account: [] } }
    },
  ],
  [
    'two events for one day with different numbers',
    ['failure: senders'],
    async (given) => {
      await post({ userId: 'ann', rollupId: 'id-ann', apiCalls: 9 })
      return given
    },
  ],
  [
    'the same event twice',
    ['warning: senders'],
    async (given) => {
      await post({ userId: 'ann', rollupId: 'id-ann', apiCalls: 5 })
      return given
    },
  ],
  [
    'services of one product in two zones',
    ['warning: senders'],
    async (given) => {
      await post({ userId: 'cai', rollupId: 'id-cai', apiCalls: 1, timeZone: 'Asia/Tokyo' })
      return given
    },
  ],
  ['a proxy that removes the filters', ['failure: filters of PX'], withoutFilters],
  ['PX responds 500', ['failure: address of PX'], fault({ status: 500 })],
  [
    'PX responds 503 with HTML',
    ['failure: address of PX'],
    fault({ status: 503, body: page, headers: html }),
  ],
  ['PX responds 429', ['warning: address of PX'], fault({ status: 429 })],
  ['the daily limit is used up', ['warning: address of PX'], limit],
  ['a redirect', ['failure: address of PX'], fault({ status: 302, headers: { location: '/login' } })],
  ['404 for everything', ['failure: address of PX'], fault({ status: 404 })],
  ['a login page with 200', ['failure: address of PX'], fault({ status: 200, body: page, headers: html })],
  [
    '403 with HTML from something in front',
    ['failure: address of PX'],
    fault({ status: 403, body: page, headers: html }),
  ],
  ['refusals with HTML bodies, unknown key', ['failure: address of PX'], htmlRefusals],
  ['the connection is cut', ['failure: address of PX'], fault({ reset: true })],
  ['a response cut within its body', ['failure: address of PX'], fault({ truncate: true })],
  ['a giant response', ['failure: address of PX'], fault({ giantBytes: 20 * 1024 * 1024 })],
]

/** Takes the filters out of the requests, as a proxy that strips queries would: the response of an unfiltered list comes back. */
function withoutFilters(given: PxToCheck): PxToCheck {
  const customEvents = [{ eventId: '1', eventName: 'dailyApiCalls', identifyId: 'ann', attributes: {} }]
  const body = JSON.stringify({ customEvents, totalHits: 1, scrollId: null })
  emulator.addFault({ url: '/v1/events/*', fault: { status: 200, body, headers: json } })
  return given
}

function limit(given: PxToCheck): PxToCheck {
  emulator.setSwitches({ requestsPerDay: 2 })
  return given
}

function htmlRefusals(given: PxToCheck): PxToCheck {
  emulator.setSwitches({ errorBody: 'html' })
  return { ...given, apiKey: 'other' }
}

describe('the doctor finds', () => {
  test.each(faults)('%s: %j', async (_what, verdicts, break_) => {
    expect(await faultsOf(await break_(await healthy()))).toEqual(verdicts)
  })

  test.each([
    ['60 s ahead', 60_000, ['warning: clock']],
    ['an hour behind', -3_600_000, ['failure: clock']],
  ])('a clock that is %s', async (_, skewMs, verdicts) => {
    expect(await faultsOf(await healthy(), { skewMs })).toEqual(verdicts)
  })

  test.each<[string, Fault]>([
    ['a response that does not come', { delayMs: 20_000 }],
    ['headers that come too late', { slowHeadersMs: 20_000 }],
    ['a body that comes too slowly', { slowBodyMs: 20_000 }],
  ])('%s', async (_, late) => {
    const given = await fault(late)(await healthy())
    expect(await faultsOf(given, { timeoutMs: 300 })).toEqual(['failure: address of PX'])
  })

  test('the key of another region, and names the region', async () => {
    const given = await healthy()
    await using europe = await startEmulator({ port: 0, apiKey: 'eu-key' })
    const checks = await check({ ...given, apiKey: 'eu-key', otherRegions: { eu: europe.url } })
    expect(checks.find(({ verdict }) => verdict === 'failure')).toMatchObject({
      name: 'address of PX',
      cure: 'Set PX_REGION=eu and remove PX_BASE_URL.',
    })
  })

  test('an address on which nothing listens', async () => {
    const given = await healthy()
    await emulator.close()
    expect(await faultsOf(given)).toEqual(['failure: address of PX'])
  })
})

describe('the doctor raises no false alarm', () => {
  it('on a healthy set-up, where only the Write permission is not shown', async () => {
    const checks = await check(await healthy())
    expect(checks.filter(({ verdict }) => verdict !== 'ok').map(({ name }) => name)).toEqual([
      'Write permission',
    ])
    expect(checks).toHaveLength(9)
  })

  it('on a healthy set-up with a test event, which is sent once and only then', async () => {
    const given = await healthy()
    await check(given)
    expect(emulator.events()).toHaveLength(2)
    expect(await faultsOf({ ...given, sendTestEvent: true })).toEqual([])
    expect(emulator.events().map(({ eventName }) => eventName)).toEqual([
      'dailyApiCalls',
      'dailyApiCalls',
      'pxUsageTest',
    ])
  })

  it.each<Partial<Switches>>([
    { repeatedFilters: 'and' },
    { lastScrollId: 'none' },
    { isoDates: 'text' },
    { createdBody: 'json' },
    { createdBody: 'text' },
    { unknownUser: 'create' },
    { unknownUser: 'drop' },
    { unknownAccount: 'create' },
    { unknownProductKey: 'drop' },
    { eventId: 'keep' },
    { limits: 'drop' },
    { attributeType: 'first' },
    { errorBody: 'empty' },
    { weakKeyStatus: 401 },
    { rateLimitScope: 'key' },
    { retryAfterSeconds: 1 },
    { numericStrings: 'count' },
    { averagePer: 'userDay' },
    { putAttributes: 'replace' },
    { undeclaredAttribute: 'refuse' },
    { visibilityLagMs: 60_000 },
  ])('with %j', async (switches) => {
    const given = await healthy({ switches })
    expect(await faultsOf({ ...given, sendTestEvent: true })).toEqual([])
  })

  it('for an event of another product, and for one that px-usage did not send', async () => {
    const given = await healthy()
    await post({ userId: 'ann', rollupId: 'id-ann', apiCalls: 9, productKey: 'AP-OTHER-2' })
    await post({ userId: 'ann', apiCalls: 9 })
    expect(await faultsOf(given)).toEqual([])
  })

  it('where PX has no events and the app sets no attributes: both are not checked', async () => {
    const given = await healthy()
    emulator.reset()
    const checks = await check({ ...given, attributes: { user: [], account: [] } })
    expect(checks.filter(({ verdict }) => verdict === 'unknown').map(({ name }) => name)).toEqual([
      'attributes',
      'filters of PX',
      'senders',
      'Write permission',
    ])
  })
})

test('only addresses of PX are tried with a key that was refused', () => {
  expect(otherRegionsThan('https://proxy.example')).toEqual({})
  expect(Object.keys(otherRegionsThan('https://api-eu.aptrinsic.com'))).toEqual(['us', 'us2'])
})

test('no text of a check contains the API key', async () => {
  const given = await healthy()
  for (const apiKey of ['secret-key', 'AP-secret-key', 'secret key']) {
    expect(JSON.stringify(await check({ ...given, apiKey }))).not.toContain('secret')
  }
})
