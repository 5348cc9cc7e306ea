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
const html = { 'content-type': 'text/html' }
const page = '<!doctype html><title>Sign in</title>'

const faults: ReadonlyArray<readonly [what: string, verdicts: string[], break_: Break]> = [
  ['an API key with a line break', ['failure: API key'], (given) => ({ ...given, apiKey: 'a\nb' })],
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
  [
    'PX responds 503 with HTML',
    ['failure: address of PX'],
    fault({ status: 503, body: page, headers: html }),
  ],
  ['404 for everything', ['failure: address of PX'], fault({ status: 404 })],
  [
    '403 with HTML from something in front',
    ['failure: address of PX'],
    fault({ status: 403, body: page, headers: html }),
  ],
  ['refusals with HTML bodies, unknown key', ['failure: address of PX'], htmlRefusals],
  ['a giant response', ['failure: address of PX'], fault({ giantBytes: 20 * 1024 * 1024 })],
]

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
