import { PxError } from '../px-error.ts'
import type { Switches } from '../switches.ts'
import { textPattern } from './text-pattern.ts'

/** One condition of a `filter`: a field, and a test of its value. */
export interface Condition {
  field: string
  holds(value: unknown): boolean
}

/** Limit because each condition is tested for every event. */
const maxConditions = 100

type Operator = '==' | '!=' | '<=' | '>=' | '!~' | '<' | '>' | '~'
const operators: readonly string[] = ['==', '!=', '<=', '>=', '!~', '<', '>', '~']

/**
 * Parses `filter` parameters. Conditions joined by `;` must all hold. Of several parameters one must hold, or with `and` all; then all
 * conditions are in one list.
 *
 * @param takes returns whether a field can be filtered
 * @throws {PxError} 400 for a field or a form that cannot be filtered
 */
export function parseFilters(
  texts: readonly string[],
  takes: (field: string) => boolean,
  joined: Switches['repeatedFilters'],
): Condition[][] {
  if (texts.length > maxConditions || texts.join(';').split(';').length > maxConditions) {
    throw new PxError(400, `A filter may have at most ${maxConditions} conditions`)
  }
  const filters = texts.map((text) =>
    text.split(';').map((part) => {
      const [, field, operator, wanted] = /^([\w.-]+?)(==|!=|<=|>=|!~|<|>|~)([\s\S]*)$/.exec(part) ?? []
      if (field === undefined || !takes(field)) {
        throw new PxError(400, `Unsupported filter ${JSON.stringify(part)}`)
      }
      return condition(field, operator as string, wanted ?? '')
    }),
  )
  return joined === 'and' && filters.length > 0 ? [filters.flat()] : filters
}

/** Creates a condition. Texts are compared without case, numbers as numbers, dates as epoch ms or ISO 8601. @throws {PxError} 400 */
export function condition(field: string, operator: string, wanted: string): Condition {
  if (!operators.includes(operator))
    throw new PxError(400, `Unsupported operator ${JSON.stringify(operator)}`)
  const how = operator as Operator
  if (field === 'date') {
    const at = instant(wanted)
    if (at === undefined) throw new PxError(400, `Unsupported date ${JSON.stringify(wanted)}`)
    return { field, holds: (value) => typeof value === 'number' && compare(value, at, how) }
  }
  const folded = wanted.toLowerCase()
  if (how === '~' || how === '!~') {
    const matches = textPattern(folded, true)
    return { field, holds: (value) => matches(foldedText(value)) === (how === '~') }
  }
  const number = wanted.trim() === '' ? Number.NaN : Number(wanted)
  return {
    field,
    holds: (value) =>
      typeof value === 'number' && !Number.isNaN(number)
        ? compare(value, number, how)
        : compare(foldedText(value), folded, how),
  }
}

/** Parses epoch ms or an ISO date; `undefined` for anything else. */
export function instant(text: string | null): number | undefined {
  if (text === null) return undefined
  const at = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

function foldedText(value: unknown): string {
  return value === undefined || value === null ? '' : String(value).toLowerCase()
}

function compare<T extends string | number>(value: T, wanted: T, operator: Operator): boolean {
  switch (operator) {
    case '==':
      return value === wanted
    case '!=':
      return value !== wanted
    case '<':
      return value < wanted
    case '<=':
      return value <= wanted
    case '>':
      return value > wanted
    case '>=':
      return value >= wanted
    default:
      return false
  }
}
