import type { Pattern } from './layer-pattern.ts'
import type { RouteTree, Way } from './route-tree.ts'
import type { RouteVisit } from './watch-route.ts'

/** Returns the template of a way, if it is the same for every path. */
export function constantOf({ mounts, route }: Way): string | undefined {
  const parts = [...mounts, route].map(({ constant }) => constant)
  return parts.includes(undefined) ? undefined : joined(parts as string[])
}

/** Returns the template of the way that matches the path. If a rewritten URL matches no way, a way with a constant template is used. */
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

/** The most templates per tree that are derived from paths. A RegExp mount may match any text, so it could create endless names. */
const maxRecovered = 1_000
const recovered = new WeakMap<RouteTree, Set<string>>()

/**
 * Returns the template of a route whose router was created for this request and mounted in another such router. The tree no longer
 * contains them: the mount of the outer router is that of the function that called it, and the mount of the inner router is derived
 * from `params`.
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

/** Replaces the values in a path by the names of their parameters. Returns `undefined` if a parameter has no name. */
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
  if (!templates.has(template) && templates.size >= maxRecovered) return undefined
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

/** Joins the mounts and the route into one template. Mounts lose their final slash, and a route `/` is named by its mount. */
function joined(parts: readonly string[]): string {
  const mount = parts
    .slice(0, -1)
    .map((part) => part.replace(/\/+$/, ''))
    .join('')
  const own = parts.at(-1) as string
  return (own === '/' ? mount : `${mount}${own}`) || '/'
}
