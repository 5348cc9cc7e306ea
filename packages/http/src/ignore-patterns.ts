import { METHODS } from 'node:http'
import { invalid } from '@px-usage/core/adapter'
import { matcher } from './star-pattern.ts'

/** Whether a call of this method and route is left out of the count. */
export type IsIgnored = (method: string, route: string | undefined) => boolean

const cure =
  "Give a function, or a list of route patterns such as ['GET /health', '/internal/*', 'OPTIONS *'] (a method in upper case and a space, or neither; * stands for any characters)."

/** More endpoints than any app has; only an `endpoint` that answers something new each time comes so far. */
const maxKnown = 10_000

/**
 * Compiles patterns on method and route template: `'GET /health'`, `'/internal/*'`, `'OPTIONS *'`. A call that matched no
 * route has the template `(unmatched)`. Each endpoint is matched once and then remembered.
 *
 * @param areNamesFree whether the app names its endpoints itself, so that they need not be paths
 * @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` for a pattern that could never match
 */
export function ignorePatterns(patterns: readonly unknown[], areNamesFree: boolean): IsIgnored {
  const rules = patterns.map((pattern) => parsePattern(pattern, areNamesFree))
  /** The methods that any pattern can match; `undefined` for all of them. */
  const methods = rules.some(({ method }) => method === undefined)
    ? undefined
    : rules.map(({ method }) => method)
  const known = new Map<string, Map<string, boolean>>()
  let size = 0
  return (method, route = '(unmatched)') => {
    if (methods?.includes(method) === false) return false
    let ofMethod = known.get(method)
    const answer = ofMethod?.get(route)
    if (answer !== undefined) return answer
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
  if (typeof pattern !== 'string') throw invalid('ignore', pattern, cure)
  const [, method, route = ''] = /^(?:(\S+) )?(\S.*)$/s.exec(pattern) ?? []
  const isMethod = method === undefined || METHODS.includes(method)
  const isRoute = areNamesFree || /^[/*(]/.test(route)
  if (!isMethod && areNamesFree) return { method: undefined, route: matcher(pattern) }
  if (!isMethod || !isRoute || METHODS.includes(pattern)) throw invalid('ignore', pattern, cure)
  return { method, route: matcher(route) }
}
