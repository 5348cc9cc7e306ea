import { UsageError } from '@px-usage/core'
import { describe, expect, it } from 'vitest'
import {
  parseAttributes,
  parseRollups,
  parseZeroFill,
} from '../../../packages/core/src/options/parse-day-options.ts'

const byIdentity = { eventName: 'dailyApiCalls', by: 'identity' } as const
const byEndpoint = { eventName: 'dailyEndpointCalls', by: 'endpoint' } as const
const user = { apiCalls: 'dailyApiCalls' }

/** The code and the message of the error that is thrown. */
function thrownBy(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof UsageError) return `${error.code}: ${error.message}`
  }
  throw new Error('No UsageError was thrown.')
}

describe('parseAttributes()', () => {
  it('sets no attributes by default', () => {
    const settings = { user: {}, account: {}, createMissing: false, running: undefined }
    expect(parseAttributes(undefined)).toEqual(settings)
    expect(parseAttributes({})).toEqual(settings)
  })

  it('returns frozen copies, so that a later change of the options has no effect', () => {
    const given = { user: { ...user }, createMissing: true, running: { everyMs: 60_000, user: { a: 'b' } } }
    const settings = parseAttributes(given)
    given.user.apiCalls = 'changed'
    expect(settings).toEqual({
      ...{ user, account: {}, createMissing: true },
      running: { everyMs: 60_000, user: { a: 'b' }, account: {} },
    })
    for (const part of [settings, settings.user, settings.account, settings.running]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it.each<[string, unknown, string]>([
    ['a list', [], 'attributes is []'],
    ['an unknown kind', { users: {} }, '"users" is unknown. Did you mean user?'],
    ['names that are no object', { user: 'apiCalls' }, 'attributes.user is "apiCalls"'],
    ['a name that is no text', { user: { apiCalls: 5 } }, 'attributes.user is { apiCalls: 5 }'],
    ['an empty name', { account: { apiCalls: '' } }, 'attributes.account is'],
    ['one attribute twice', { user: { a: 'x', b: 'x' } }, 'each attribute once'],
    ['a createMissing that is a text', { createMissing: 'yes' }, 'attributes.createMissing is "yes"'],
    ['no interval', { running: { user } }, 'attributes.running.everyMs is undefined'],
    [
      'an interval that is too short',
      { running: { everyMs: 59_999 } },
      'everyMs is 59999. Give a whole number of at least 60000',
    ],
    ['an unknown running option', { running: { everyMs: 60_000, every: 1 } }, '"every" is unknown'],
    [
      'a running value in an attribute of the closed day',
      { user, running: { everyMs: 60_000, user } },
      'would overwrite each other',
    ],
  ])('refuses %s', (_what, given, told) => {
    expect(thrownBy(() => parseAttributes(given as object))).toContain(told)
  })

  it('accepts one API name for users and for accounts, which PX keeps apart', () => {
    const given = { user, account: user, running: { everyMs: 60_000, user: { apiCalls: 'today' } } }
    expect(parseAttributes(given).running?.user).toEqual({ apiCalls: 'today' })
    const crossed = { user, running: { everyMs: 60_000, account: user } }
    expect(parseAttributes(crossed).running?.account).toEqual(user)
  })
})

describe('parseRollups()', () => {
  it('returns undefined without a list, and else a frozen copy of name and kind', () => {
    expect(parseRollups(undefined)).toBeUndefined()
    const given = [{ ...byIdentity, extra: 1 }, byEndpoint]
    const rollups = parseRollups(given)
    expect(rollups).toEqual([byIdentity, byEndpoint])
    expect(Object.isFrozen(rollups) && Object.isFrozen(rollups?.[0])).toBe(true)
  })

  it.each<[string, unknown]>([
    ['an empty list', []],
    ['an object', byIdentity],
    ['a list of nothing', [null]],
    ['an empty event name', [{ eventName: '', by: 'identity' }]],
    ['an unknown kind', [{ eventName: 'a', by: 'account' }]],
    ['one event name twice', [byIdentity, { ...byEndpoint, eventName: byIdentity.eventName }]],
  ])('refuses %s', (_what, given) => {
    expect(thrownBy(() => parseRollups(given as never))).toMatch(
      /^PXU_ERR_OPTIONS_INVALID: .*rollups is .*by: 'identity'/,
    )
  })
})

describe('parseZeroFill()', () => {
  it('returns the number of days, and 0 without zero fill', () => {
    expect(parseZeroFill(undefined, [])).toBe(0)
    for (const days of [1, 30, 100]) expect(parseZeroFill({ days }, [byIdentity, byEndpoint])).toBe(days)
  })

  it.each<[unknown, string]>([
    [{ days: 0 }, 'zeroFill.days is 0. Give a whole number from 1 to 100.'],
    [{ days: 101 }, 'zeroFill.days is 101'],
    [{ days: 1.5 }, 'zeroFill.days is 1.5'],
    [{}, 'zeroFill.days is undefined'],
    [true, 'zeroFill is true'],
    [{ days: 1, weeks: 1 }, '"weeks" is unknown'],
  ])('refuses %o', (given, told) => {
    expect(thrownBy(() => parseZeroFill(given as never, [byIdentity]))).toContain(told)
  })

  it('needs a rollup by identity, whose events the zeros are', () => {
    expect(thrownBy(() => parseZeroFill({ days: 7 }, [byEndpoint]))).toContain("needs a rollup by 'identity'")
  })
})
