import { matchesMixed, type Segment, templateVariants } from './route-template.ts'

/** A route template, and the methods that it has. */
export interface Route {
  readonly route: string
  /** `undefined`: any method. */
  readonly method: string | undefined
}

/** Finds the route of a path, as the router of the service would. */
export interface RouteMatcher {
  /** Number of templates. */
  readonly size: number
  /** Returns the template, or `undefined` for a path that matches none. */
  match(method: string, path: string): string | undefined
}

/** What follows a segment. Literals come before parameters, and these before the rest. */
interface Node {
  readonly literals: Map<string, Node>
  readonly mixed: Array<{ readonly literals: readonly string[]; readonly node: Node }>
  parameter: Node | undefined
  /** Routes that end with everything that is left. */
  readonly rests: Route[]
  /** Routes that end here. */
  readonly ends: Route[]
}

/**
 * Creates a matcher of templates. It compares segments, without expressions, so that the time of a match depends on the number of
 * segments and not on the number of templates.
 *
 * The case of a path and a slash at its end are ignored, as Express and Koa do by default. A `HEAD` matches what a `GET` matches.
 */
export function createRouteMatcher(routes: readonly Route[]): RouteMatcher {
  const root = createNode()
  for (const route of routes) {
    for (const segments of templateVariants(route.route)) add(root, segments, route)
  }
  return {
    size: new Set(routes.map(({ route }) => route)).size,
    match: (method, path) => find(root, method, path, path.startsWith('/') ? 1 : 0),
  }
}

function createNode(): Node {
  return { literals: new Map(), mixed: [], parameter: undefined, rests: [], ends: [] }
}

function add(root: Node, segments: readonly Segment[], route: Route): void {
  let node = root
  for (const segment of segments) {
    if (segment.kind === 'rest') {
      node.rests.push(route)
      return
    }
    node = next(node, segment)
  }
  node.ends.push(route)
}

function next(node: Node, segment: Exclude<Segment, { kind: 'rest' }>): Node {
  if (segment.kind === 'parameter') {
    node.parameter ??= createNode()
    return node.parameter
  }
  if (segment.kind === 'literal') {
    const known = node.literals.get(segment.text) ?? createNode()
    node.literals.set(segment.text, known)
    return known
  }
  const same = node.mixed.find(({ literals }) => literals.join('\0') === segment.literals.join('\0'))
  if (same !== undefined) return same.node
  const made = createNode()
  node.mixed.push({ literals: segment.literals, node: made })
  return made
}

function find(node: Node, method: string, path: string, from: number): string | undefined {
  if (from >= path.length) return routeOf(node.ends, method) ?? routeOf(node.rests, method)
  const slash = path.indexOf('/', from)
  const end = slash === -1 ? path.length : slash
  const segment = path.slice(from, end)
  const literal = node.literals.get(segment)
  let found = literal === undefined ? undefined : find(literal, method, path, end + 1)
  if (found !== undefined) return found
  if (literal === undefined || node.mixed.length > 0) {
    const plain = plainText(segment)
    const sameLiteral = plain === segment ? undefined : node.literals.get(plain)
    if (sameLiteral !== undefined) found = find(sameLiteral, method, path, end + 1)
    for (const { literals, node: mixed } of node.mixed) {
      if (found !== undefined) return found
      if (matchesMixed(plain, literals)) found = find(mixed, method, path, end + 1)
    }
  }
  if (found === undefined && node.parameter !== undefined && segment !== '') {
    found = find(node.parameter, method, path, end + 1)
  }
  return found ?? routeOf(node.rests, method)
}

function routeOf(routes: readonly Route[], method: string): string | undefined {
  if (routes.length === 0) return undefined
  const of = (wanted: string) =>
    routes.find((one) => one.method === undefined || one.method === wanted)?.route
  return of(method) ?? (method === 'HEAD' ? of('GET') : undefined)
}

const needsChange = /[A-Z%]/

/** Returns a segment in lower case and without percent-encoding. */
function plainText(segment: string): string {
  if (!needsChange.test(segment)) return segment
  try {
    return decodeURIComponent(segment).toLowerCase()
  } catch {
    return segment.toLowerCase()
  }
}
