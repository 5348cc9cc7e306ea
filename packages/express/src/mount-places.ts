import type { App } from './app.ts'
import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'
import type { Pattern } from './layer-pattern.ts'

/** A place where an app may be mounted in its parent. */
interface Place {
  readonly mount: Pattern
  readonly isGuess?: true
}

interface Surroundings {
  /** The layers of the parent that are functions and no routers: Express mounts an app behind such a function. */
  readonly functions: readonly Layer[]
  readonly siblings: readonly App[]
  readonly options: LayerOptions
  pattern(layer: Layer, raw: unknown, options: LayerOptions): Pattern
}

/**
 * Where an app is mounted in its parent. It remembers the path of its last mount; if it was mounted more than once, it stands
 * behind the functions as well that have the path of no app. Their name, `mounted_app`, is of use where it is left: a minifier
 * drops it, and so does whoever wraps handlers (OpenTelemetry, Elastic APM).
 */
export function mountsOf(child: App, { functions, siblings, options, pattern }: Surroundings): Place[] {
  const [anyLayer] = functions
  if (anyLayer === undefined) return []
  const isClaimed = (layer: Layer) => siblings.some((app) => isSamePath(layer, app.mountpath, options))
  const last = remembered(anyLayer, child.mountpath, options, pattern)
  const byName = functions.filter(isNamedMount)
  const others = (byName.length > 0 ? byName : functions).filter((layer) => !isClaimed(layer))
  return [
    ...(last === undefined ? [] : [{ mount: last }]),
    ...others.flatMap((layer): Place[] => {
      const mount = pattern(layer, layer.rawPath, options)
      if (byName.length > 0) return [{ mount }]
      return mount.constant === '/' ? [] : [{ mount, isGuess: true }]
    }),
  ]
}

/** Whether a layer is the function in which Express puts a mounted app, under its own name. */
export function isNamedMount({ handle }: Layer): boolean {
  return (handle as { name?: unknown }).name === 'mounted_app'
}

function remembered(
  layer: Layer,
  path: unknown,
  options: LayerOptions,
  pattern: Surroundings['pattern'],
): Pattern | undefined {
  try {
    return pattern(compiledLayer(layer, path, options), path, options)
  } catch {
    return undefined
  }
}

/** Whether a layer was made of this path, as far as Express keeps something of it. */
function isSamePath(layer: Layer, path: unknown, options: LayerOptions): boolean {
  try {
    if (layer.regexp !== undefined)
      return layer.regexp.source === compiledLayer(layer, path, options).regexp?.source
    if (layer.rawPath !== undefined) return String(layer.rawPath) === String(path)
    // Express 5.0 to 5.2 keeps functions only: a path without parameters matches itself.
    if (typeof path !== 'string' || path === '/' || /[^\w/.-]/.test(path)) return false
    return (
      layer.matchers?.some((matcher) => {
        const match = matcher(path)
        return match !== false && match.path === path && Object.keys(match.params).length === 0
      }) === true
    )
  } catch {
    return false
  }
}
