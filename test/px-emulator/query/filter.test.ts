import { describe, expect, test } from 'vitest'
import { PxError } from '../../../packages/px-emulator/src/px-error.ts'
import {
  type Condition,
  condition,
  instant,
  parseFilters,
} from '../../../packages/px-emulator/src/query/filter.ts'

const parse = (...texts: string[]) => parseFilters(texts, (field) => field !== 'secret', 'or')
const meets = (conditions: Condition[], event: Record<string, unknown>) =>
  conditions.every(({ field, holds }) => holds(event[field]))

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof PxError) return `${error.statusCode} ${error.message}`
  }
  throw new Error('It was accepted.')
}

describe('parseFilters()', () => {
  test('joins conditions by ;, and returns one list for each parameter', () => {
    const [both, other] = parse('plan==pro;apiCalls>=5', 'plan==free') as [Condition[], Condition[]]
    expect([both.length, other.length]).toEqual([2, 1])
    expect(meets(both, { plan: 'Pro', apiCalls: 5 })).toBe(true)
    expect(meets(both, { plan: 'Pro', apiCalls: 4 })).toBe(false)
    expect(meets(other, { plan: 'FREE' })).toBe(true)
  })

  test('joins several parameters with and into one list', () => {
    const parsed = parseFilters(['plan==pro;n>1', 'n<5'], () => true, 'and')
    expect(parsed.map(({ length }) => length)).toEqual([3])
    expect(parseFilters([], () => true, 'and')).toEqual([])
  })

  test.each<[string, unknown, unknown]>([
    ['n==5', 5, 6],
    ['n!=5', 6, 5],
    ['n<5', 4, 5],
    ['n<=5', 5, 6],
    ['n>5', 6, 5],
    ['n>=5', 5, 4],
    ['n~a*', 'Abc', 'bcd'],
    ['n!~a*', 'bcd', 'Abc'],
    ['n~a?c', 'abc', 'abbc'],
    ['n==PRO', 'pro', 'free'],
    ['n~A*', 'abc', 'bcd'],
    ['n==a==b', 'A==B', 'a'],
    ['n==', '', 'a'],
    ['n==true', true, false],
    ['n<b', 'Alpha', 'c'],
  ])('%s holds for %j, and not for %j', (text, yes, no) => {
    const [[parsed]] = parse(text) as [[Condition]]
    expect([parsed.holds(yes), parsed.holds(no)]).toEqual([true, false])
  })

  test('compares a number with a text that is no number as texts, and nothing as an empty text', () => {
    expect(condition('n', '==', 'abc').holds(5)).toBe(false)
    expect(condition('n', '==', '').holds(0)).toBe(false)
    for (const nothing of [undefined, null]) expect(condition('n', '==', '').holds(nothing)).toBe(true)
  })

  test('refuses a field that cannot be filtered, and what is no condition', () => {
    expect(refusal(() => parse('secret==1'))).toBe('400 Unsupported filter "secret==1"')
    expect(refusal(() => parse('plan'))).toBe('400 Unsupported filter "plan"')
    expect(refusal(() => parse('plan==a;'))).toBe('400 Unsupported filter ""')
  })

  test('refuses more than a hundred conditions, in one parameter or in many', () => {
    const hundred = Array.from({ length: 100 }, () => 'plan==a')
    expect(parse(hundred.join(';'))).toHaveLength(1)
    expect(parse(...hundred)).toHaveLength(100)
    expect(refusal(() => parse([...hundred, 'plan==a'].join(';')))).toContain('at most 100 conditions')
    expect(refusal(() => parse(...hundred, 'plan==a'))).toContain('at most 100 conditions')
  })
})

describe('condition()', () => {
  test('compares dates as instants, given as epoch ms or in ISO 8601', () => {
    const noon = Date.UTC(2026, 10, 23, 12)
    for (const wanted of [String(noon), '2026-11-23T12:00:00Z', '2026-11-23T13:00:00+01:00']) {
      expect(condition('date', '==', wanted).holds(noon)).toBe(true)
      expect(condition('date', '>', wanted).holds(noon)).toBe(false)
    }
    expect(condition('date', '>', '2026-11-23').holds('2026-11-24')).toBe(false)
    expect(refusal(() => condition('date', '==', 'today'))).toBe('400 Unsupported date "today"')
  })

  test('refuses an unknown operator', () => {
    expect(refusal(() => condition('plan', '=', 'a'))).toBe('400 Unsupported operator "="')
  })
})

test.each([
  ['1795435200000', 1_795_435_200_000],
  ['-5', -5],
  ['2026-11-23', Date.UTC(2026, 10, 23)],
  ['soon', undefined],
  [null, undefined],
])('instant(%j) is %j', (text, at) => {
  expect(instant(text)).toBe(at)
})
