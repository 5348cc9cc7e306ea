import type { IncomingMessage } from 'node:http'

/** One entry of a router's stack. Express 4 has `regexp` and `keys`, Express 5 has `matchers`. */
interface Layer {
  readonly handle?: { readonly stack?: unknown }
  readonly route?: Route
  readonly regexp?: RegExp & { fast_slash?: boolean }
  readonly keys?: readonly { readonly name: string | number }[]
  readonly matchers?: readonly Matcher[]
  readonly slash?: boolean
}

type Matcher = (path: string) => false | Match
interface Match {
  readonly path: string
  readonly params: Readonly<Record<string, unknown>>
}

interface Route {
  readonly path?: unknown
  readonly stack?: unknown
}

interface App {
  readonly parent?: App
  readonly mountpath?: unknown
  readonly router?: { readonly stack?: unknown }
  readonly _router?: { readonly stack?: unknown }
  readonly lazyrouter?: unknown
}

/** A request with the properties that Express adds. */
interface ExpressRequest extends IncomingMessage {
  readonly route?: Route
  readonly app?: App
  readonly baseUrl?: string
  /** A function while a router handles the request. */
  readonly next?: unknown
}

const maxDepth = 16
const probe = 'px-usage-probe'

/**
 * Returns the template of the route of an Express app to which a Koa app has passed a request. Returns `undefined` if no route of
 * Express handled it, or if its mounts cannot be named; the call then has the name from Koa.
 *
 * @param known the route of Express that the request had before, from an app around this one or from one that passed it on
 */
export function expressTemplate(req: ExpressRequest, known: unknown): string | undefined {
  const { route, app } = req
  if (route === undefined || route === known || !Array.isArray(route?.stack)) return undefined
  // Without `next`, the outermost router has finished: no route of Express responded.
  if (req.next === undefined || app === undefined) return undefined
  const own = typeof route.path === 'string' || route.path instanceof RegExp ? String(route.path) : undefined
  const outer = mountPaths(app)
  const base = outer === undefined ? undefined : withoutSegments(req.baseUrl ?? '', outer)
  const inner = base === undefined ? undefined : mountsTo(route, routerOf(app), base, 0)
  if (own === undefined || inner === undefined) return undefined
  const prefix = `${outer}${inner}`
  return own === '/' && prefix !== '' ? prefix : `${prefix}${own}`
}

/** Returns the router of an app. Reading `app.router` throws in Express 4, which has `_router`. */
function routerOf(app: App): { readonly stack?: unknown } | undefined {
  return app._router !== undefined || 'lazyrouter' in app ? app._router : app.router
}

/** Returns the paths under which an app is mounted in its parents, joined, or `undefined` if one is no plain path. */
function mountPaths(app: App): string | undefined {
  let path = ''
  let inner = app
  for (let depth = 0; inner.parent !== undefined && depth < maxDepth; depth++, inner = inner.parent) {
    const { mountpath } = inner
    if (typeof mountpath !== 'string' || !/^(\/[\w\-.~:]+)*\/?$/.test(mountpath)) return undefined
    path = `${mountpath.replace(/\/$/, '')}${path}`
  }
  return path
}

/** Removes as many segments from the beginning of a path as the template has. */
function withoutSegments(base: string, template: string): string {
  const segments = template.split('/').length - 1
  return base
    .split('/')
    .map((segment, at) => (at > segments ? `/${segment}` : ''))
    .join('')
}

/** Returns the templates of the mounts from a router to a route, which together removed `base` from the path. */
function mountsTo(
  route: Route,
  router: { readonly stack?: unknown } | undefined,
  base: string,
  depth: number,
): string | undefined {
  const { stack } = router ?? {}
  if (!Array.isArray(stack) || depth > maxDepth) return undefined
  for (const layer of stack as Layer[]) {
    if (layer?.route === route) return base === '' ? '' : undefined
    if (!Array.isArray(layer?.handle?.stack)) continue
    const mount = mountOf(layer, base)
    const inner = mount && mountsTo(route, layer.handle, base.slice(mount.path.length), depth + 1)
    if (inner !== undefined) return `${mount?.template}${inner}`
  }
  return undefined
}

/**
 * Returns what a mount removes from the path, and its template. A segment is a parameter if the mount also matches with a probe word
 * in its place.
 */
function mountOf(layer: Layer, base: string): { path: string; template: string } | undefined {
  const match = matchOf(layer, base)
  if (match === undefined) return undefined
  const path = match.path.replace(/\/$/, '')
  const segments = path.split('/')
  const params = new Set<string>()
  const template = segments.map((segment, at) => {
    const probed = matchOf(layer, segments.with(at, probe).join('/'))
    const name = Object.keys(probed?.params ?? {}).find((key) => probed?.params[key] === probe)
    if (segment === '' || name === undefined) return segment
    params.add(name)
    return `:${name}`
  })
  // A parameter may be part of a segment, or several segments. Its value would then become part of the name, so there is no name.
  if (Object.keys(match.params).some((name) => !params.has(name))) return undefined
  return { path, template: template.join('/') }
}

function matchOf({ regexp, keys = [], matchers = [], slash }: Layer, path: string): Match | undefined {
  if (slash || regexp?.fast_slash) return { path: '', params: {} }
  if (regexp === undefined) return matchers.map((matcher) => matcher(path)).find((match) => match !== false)
  const found = regexp.exec(path)
  if (found === null) return undefined
  const params = keys.map(({ name }, at) => [name, found[at + 1]] as const)
  return { path: found[0], params: Object.fromEntries(params.filter(([, value]) => value !== undefined)) }
}
