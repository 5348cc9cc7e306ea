import { METHODS } from 'node:http'
import { invalid } from '@px-usage/core/adapter'
import { matcher } from './star-pattern.ts'

/** Returns whether a call of this method and route is not counted. */
export type IsIgnored = (method: string, route: string | undefined) => boolean

const remedy =
  "Give a function, or a list of route patterns such as ['GET /health', '/internal/*', 'OPTIONS *']. The method is optional and in upper case; * matches any characters."

/** Remembered endpoints, more than any app has. It bounds the memory of an `endpoint` callback that returns a new name for each call. */
const maxKnown = 10_000

/**
 * Compiles patterns on method and route template, such as `'GET /health'`, `'/internal/*'` and `'OPTIONS *'`, into one function.
 * It matches each endpoint once and remembers the result. A call that matched no route has the template `(unmatched)`.
 *
 * @param areNamesFree whether the app names its endpoints itself, so that a pattern need not be a path
 * @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` for a pattern that could never match
 */
export function ignorePatterns(patterns: readonly unknown[], areNamesFree: boolean): IsIgnored {
  const rules = patterns.map((pattern) => parsePattern(pattern, areNamesFree))
  /** The methods that any pattern can match; `undefined` means every method. */
  const methods = rules.some(({ method }) => method === undefined)
    ? undefined
    : rules.map(({ method }) => method)
  const known = new Map<string, Map<string, boolean>>()
  let size = 0
  return (method, route = '(unmatched)') => {
    if (methods?.includes(method) === false) return false
    let ofMethod = known.get(method)
    const remembered = ofMethod?.get(route)
    if (remembered !== undefined) return remembered
    if (size++ >= maxKnown) {
      known.clear()
      size = 1
    }
    ofMethod = known.get(method) ?? new Map()
    const isIgnored = rules.some((rule) => (rule.method ?? method) === method && rule.route(route))
    known.set(method, ofMethod.set(route, isIgnored))
    return isIgnored
  }
}

function parsePattern(
  pattern: unknown,
  areNamesFree: boolean,
): { method: string | undefined; route: (text: string) => boolean } {
  if (typeof pattern !== 'string') throw invalid('ignore', pattern, remedy)
  const [, method, route = ''] = /^(?:(\S+) )?(\S.*)$/s.exec(pattern) ?? []
  const isMethod = method === undefined || METHODS.includes(method)
  const isRoute = areNamesFree || /^[/*(]/.test(route)
  if (!isMethod && areNamesFree) return { method: undefined, route: matcher(pattern) }
  if (!isMethod || !isRoute || METHODS.includes(pattern)) throw invalid('ignore', pattern, remedy)
  return { method, route: matcher(route) }
}
