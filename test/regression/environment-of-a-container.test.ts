import { createMeter, memoryStore, UsageError } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startScriptedPx } from '../support/scripted-px.ts'

const variables = ['API_KEY', 'PRODUCT_KEY', 'REGION', 'BASE_URL', 'TIME_ZONE', 'USAGE_DIR', 'USAGE_ENABLED']
const call = { identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false }
const identify = () => ({ userId: 'ann' })
const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})

beforeEach(() => {
  emitWarning.mockClear()
  for (const name of variables) vi.stubEnv(`PX_${name}`, undefined)
})
afterEach(() => void vi.unstubAllEnvs())

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return error instanceof UsageError ? `${error.code}: ${error.message}` : String(error)
  }
  return 'nothing was thrown'
}

describe('a variable of the environment', () => {
  it.each(variables.slice(2))('PX_%s that is empty or blank counts as not set', async (name) => {
    for (const empty of ['', ' ', '\n']) {
      vi.stubEnv(`PX_${name}`, empty)
      const meter = createMeter({ apiKey: 'key', productKey: 'AP-TEST-2', store: memoryStore() })
      expect(meter.stats()).toMatchObject({ timeZone: 'UTC', delivery: { state: 'idle' } })
      await meter.close()
    }
  })

  it.each(['API_KEY', 'PRODUCT_KEY'])(
    'PX_%s that is empty is a missing key, and the cure is named',
    (name) => {
      vi.stubEnv('PX_API_KEY', 'key')
      vi.stubEnv('PX_PRODUCT_KEY', 'AP-TEST-2')
      vi.stubEnv(`PX_${name}`, '')
      const error = codeOf(() => pxUsage({ identify, store: memoryStore() }))
      expect(error).toMatch(new RegExp(`^PXU_ERR_OPTIONS_${name}_MISSING: .* is missing`))
      expect(error).toContain('PX_USAGE_ENABLED=false')
    },
  )

  it('reaches PX without the line feed at its end, and a region in capitals is known', async () => {
    const px = await startScriptedPx()
    vi.stubEnv('PX_API_KEY', 'key\n')
    vi.stubEnv('PX_PRODUCT_KEY', 'AP-TEST-2\r\n')
    vi.stubEnv('PX_BASE_URL', `${px.url}\n`)
    vi.stubEnv('PX_REGION', 'EU\n')
    const keys: unknown[] = []
    px.script = (exchange) => {
      keys.push(exchange.req.headers['x-aptrinsic-api-key'], JSON.parse(exchange.body).propertyKey)
      exchange.work()
    }
    const meter = createMeter({ store: memoryStore() })
    meter.track('Report Made', { userId: 'ann' })
    expect(await meter.close()).toMatchObject({ sent: { lines: 1 } })
    expect(keys).toEqual(['key', 'AP-TEST-2'])
    await px.close()
  })
})

describe('PX_USAGE_ENABLED', () => {
  it.each(['no', 'off', '0', 'false', 'n', 'NO', 'Off', ' FALSE\n'])(
    '%j switches off the middleware and the meter, without keys',
    async (value) => {
      vi.stubEnv('PX_USAGE_ENABLED', value)
      const meters = [createMeter(), pxUsage({ identify }).meter]
      for (const meter of meters) {
        meter.record(call)
        expect(meter.stats().calls).toMatchObject({ counted: 0, afterClose: 1 })
        expect(await meter.close()).toMatchObject({ lost: { calls: 0, lines: 0 } })
      }
      expect(emitWarning).not.toHaveBeenCalled()
    },
  )

  it.each(['yes', 'on', '1', 'true', 'Y', 'TRUE', ''])('%j leaves it on, so keys are needed', (value) => {
    vi.stubEnv('PX_USAGE_ENABLED', value)
    expect(codeOf(() => createMeter())).toContain('PXU_ERR_OPTIONS_API_KEY_MISSING')
  })

  it('is refused when it is neither yes nor no, with its value and what to give', () => {
    vi.stubEnv('PX_USAGE_ENABLED', 'maybe')
    for (const make of [() => createMeter(), () => pxUsage({ identify })]) {
      const error = codeOf(make)
      expect(error).toContain('PXU_ERR_OPTIONS_INVALID: The option enabled (PX_USAGE_ENABLED) is "maybe".')
      expect(error).toContain('false (0, no, off)')
    }
  })

  it('gives way to the option', async () => {
    vi.stubEnv('PX_USAGE_ENABLED', 'maybe')
    const meter = createMeter({ enabled: true, dryRun: true, store: memoryStore() })
    meter.record(call)
    expect(meter.stats().calls.counted).toBe(1)
    await meter.close()
  })
})

it.each<[string, object, number]>([
  ['a key', { productKey: 'wrong' }, 1],
  ['no key in a dry run', { dryRun: true }, 0],
  ['a true key', { productKey: 'AP-TEST-2' }, 0],
])('%s that does not begin with AP- is warned of, and not quoted', async (_what, options, times) => {
  const meter = createMeter({ apiKey: 'key', store: memoryStore(), ...options })
  await meter.close()
  const warnings = emitWarning.mock.calls.map(([message]) => String(message))
  expect(warnings.filter((message) => message.includes('does not begin with AP-'))).toHaveLength(times)
  expect(warnings.join()).not.toContain('wrong')
})
