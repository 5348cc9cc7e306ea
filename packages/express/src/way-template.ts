import type { Pattern } from './layer-pattern.ts'
import type { RouteTree, Way } from './route-tree.ts'
import type { RouteVisit } from './watch-route.ts'

/** The template of a way that is the same for every path. */
export function constantOf({ mounts, route }: Way): string | undefined {
  const parts = [...mounts, route].map(({ constant }) => constant)
  return parts.includes(undefined) ? undefined : joined(parts as string[])
}

/** The template of the way that the path can have taken; where a rewritten URL fits none, of a way that needs no path. */
export function templateByPath(ways: readonly Way[], paths: Iterable<string>): string | undefined {
  for (const path of paths)
    for (const { mounts, route } of ways) {
      const taken = take([...mounts, route], path)
      if (taken !== undefined) return joined(taken.parts)
    }
  for (const way of ways) {
    const constant = way.isGuess ? undefined : constantOf(way)
    if (constant !== undefined) return constant
  }
  return undefined
}

/** Templates that are made of a path, for each tree: a mount that is a RegExp leaves no sign of it, and may take any text. */
const mostRecovered = 1_000
const recovered = new WeakMap<RouteTree, Set<string>>()

/**
 * The template of a route in a router that was made for the request and mounted in another such router: nothing leads to them any
 * more. A function of the app that calls the outer one has a mount; what the inner one took from the path is in `params`.
 */
export function templateBehind(tree: RouteTree, visit: RouteVisit): string | undefined {
  const { baseUrl, mountParams, route } = visit
  if (baseUrl === undefined || typeof mountParams !== 'object' || mountParams === null) return undefined
  for (const mounts of tree.closures) {
    const taken = mounts.length === 0 ? undefined : take(mounts, baseUrl)
    if (taken === undefined) continue
    const mount = named(taken.rest, mountParams)
    return mount === undefined
      ? undefined
      : bounded(tree, joined([...taken.parts, mount, String(route.path)]))
  }
  return undefined
}

/** A path with the names of parameters in the place of their values. */
function named(path: string, params: object): string | undefined {
  const entries = Object.entries(params)
  if (entries.some(([name]) => /^\d+$/.test(name))) return undefined
  return path
    .split('/')
    .map((segment) => {
      const [name] = segment === '' ? [] : (entries.find(([, value]) => isSpelling(segment, value)) ?? [])
      return name === undefined ? segment : `:${name}`
    })
    .join('/')
}

function isSpelling(segment: string, value: unknown): boolean {
  try {
    return segment === value || decodeURIComponent(segment) === value
  } catch {
    return false
  }
}

function bounded(tree: RouteTree, template: string): string | undefined {
  const templates = recovered.get(tree) ?? new Set()
  recovered.set(tree, templates)
  if (!templates.has(template) && templates.size >= mostRecovered) return undefined
  templates.add(template)
  return template
}

function take(patterns: readonly Pattern[], path: string): { parts: string[]; rest: string } | undefined {
  const parts: string[] = []
  let rest = path
  for (const pattern of patterns) {
    const taken = pattern.take(rest)
    if (taken === undefined) return undefined
    parts.push(taken.template)
    rest = taken.rest
  }
  return { parts, rest }
}

/** Mounts without a slash at their end, and the route; a route `/` is its mount. */
function joined(parts: readonly string[]): string {
  const mount = parts
    .slice(0, -1)
    .map((part) => part.replace(/\/+$/, ''))
    .join('')
  const own = parts.at(-1) as string
  return (own === '/' ? mount : `${mount}${own}`) || '/'
}
