import { describe, expect, it } from 'vitest'
import { parseBackfillFlags, pastDaysOf } from '../../../packages/cli/src/backfill/backfill-flags.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'

const flags = { identify: 'remote_user', key: 'remote_user', format: 'auto' }
const settings = parseSettings({ flags: { productKey: 'AP-X-2' }, env: {}, file: undefined, cwd: '/' })

describe('the flags of backfill', () => {
  it.each([
    [{ from: '2026-13-01' }, '--from 2026-13-01 is not a day'],
    [{ to: 'May' }, '--to May is not a day'],
    [{ from: '2026-11-02', to: '2026-11-01' }, 'is after'],
    [{ name: 'a/b' }, '--name may have letters'],
    [{ name: 'a'.repeat(61) }, '60 characters'],
    [{ format: 'iis' }, 'is no format'],
  ])('are checked: %j', (given, message) => {
    expect(() => parseBackfillFlags({ ...flags, ...given })).toThrow(message)
  })

  it.each([
    [{ rollup: ['daily'] }, '--rollup daily'],
    [{ property: ['x'] }, '--property x'],
  ])('make the counter of the service: %j', (given, message) => {
    expect(() => pastDaysOf(settings, given, () => {})).toThrow(message)
    const past = pastDaysOf(settings, { rollup: ['calls=identity'], property: ['a=b'] }, () => {})
    expect(past.context.namespace.productKey).toBe('AP-X-2')
  })
})
