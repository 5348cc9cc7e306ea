import { describe, expect, it } from 'vitest'
import { parseUsageOptions } from '../../packages/http/src/call-options.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const identify = () => ({ userId: 'ann' })

describe('the options of a middleware', () => {
  it.each([
    [undefined, 'PXU_ERR_OPTIONS_INVALID'],
    [{}, 'PXU_ERR_OPTIONS_IDENTIFY_MISSING'],
    [{ identify: 'ann' }, 'PXU_ERR_OPTIONS_INVALID'],
    [{ identify, endpoint: '/a' }, 'PXU_ERR_OPTIONS_INVALID'],
    [{ identify, ignore: 'GET /health' }, 'PXU_ERR_OPTIONS_INVALID'],
    [{ identify, meter: recordingMeter().meter, timeZone: 'UTC' }, 'PXU_ERR_OPTIONS_INVALID'],
  ])('%j throw %s', (options, code) => {
    expect(() => parseUsageOptions(options as never)).toThrow(expect.objectContaining({ code }))
  })

  it('ignore OPTIONS by default, and nothing when ignore is an empty list', () => {
    const { meter } = recordingMeter()
    expect(parseUsageOptions({ meter, identify }).options.isIgnored('OPTIONS', '/a')).toBe(true)
    expect(parseUsageOptions({ meter, identify }).options.isIgnored('GET', '/a')).toBe(false)
    expect(parseUsageOptions({ meter, identify, ignore: [] }).options.isIgnored('OPTIONS', '/a')).toBe(false)
  })

  it('keep the meter that they hold, and a function of properties for the single call', () => {
    const { meter } = recordingMeter()
    const properties = () => ({ plan: 'free' })
    const parsed = parseUsageOptions({ meter, identify, properties })
    expect(parsed.meter).toBe(meter)
    expect(parsed.options.properties).toBe(properties)
  })
})
