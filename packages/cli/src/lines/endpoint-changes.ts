import type { CalledEndpoint } from '@px-usage/core/adapter'

type Name = Pick<CalledEndpoint, 'method' | 'route'>

/** A difference between two lists of endpoints that splits or joins their history in PX. */
export interface EndpointChange {
  /** `renamed`: one endpoint has another name. `merged`: several became one. `split`: one became several. */
  readonly kind: 'renamed' | 'merged' | 'split' | 'gone' | 'new'
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/**
 * Compares the endpoints before and after a deploy. Endpoints belong together if their methods are equal and their routes differ
 * only in the names of parameters, or if one route matches the other one.
 */
export function endpointChanges(before: readonly Name[], after: readonly Name[]): EndpointChange[] {
  const textOf = ({ method, route }: Name) => `${method} ${route}`
  const known = new Set(before.map(textOf))
  const now = new Set(after.map(textOf))
  const gone = before.filter((one) => !now.has(textOf(one)))
  const added = after.filter((one) => !known.has(textOf(one)))
  const changes: EndpointChange[] = []
  const explained = new Set<string>()
  for (const one of added) {
    const sources = gone.filter((other) => belongTogether(other, one)).map(textOf)
    if (sources.length === 0) continue
    const targets = added.filter((other) =>
      gone.some((it) => sources.includes(textOf(it)) && belongTogether(it, other)),
    )
    const key = sources.join('\n')
    if (explained.has(key)) continue
    explained.add(key)
    for (const text of [...sources, ...targets.map(textOf)]) explained.add(text)
    const kind = sources.length > 1 ? 'merged' : targets.length > 1 ? 'split' : 'renamed'
    changes.push({ kind, before: sources, after: targets.map(textOf) })
  }
  // An endpoint that was there before may have taken over another one: `/users/me` is now counted as `/users/:id`.
  for (const one of gone) {
    if (explained.has(textOf(one))) continue
    const target = after.find((other) => known.has(textOf(other)) && belongTogether(one, other))
    if (target === undefined) changes.push({ kind: 'gone', before: [textOf(one)], after: [] })
    else changes.push({ kind: 'merged', before: [textOf(one), textOf(target)], after: [textOf(target)] })
  }
  for (const one of added) {
    if (!explained.has(textOf(one))) changes.push({ kind: 'new', before: [], after: [textOf(one)] })
  }
  return changes
}

function belongTogether(a: Name, b: Name): boolean {
  if (a.method !== b.method) return false
  const [left, right] = [a.route.split('/'), b.route.split('/')]
  if (left.length !== right.length) return false
  return left.every((part, at) => part === right[at] || isParameter(part) || isParameter(right[at] ?? ''))
}

function isParameter(part: string): boolean {
  return /^[:{*]/.test(part)
}
