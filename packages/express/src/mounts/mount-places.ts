import type { App } from '../app.ts'
import { compiledLayer, type Layer, type LayerOptions } from '../layer.ts'
import type { Pattern } from '../layer-pattern.ts'

/** A place where an app may be mounted in its parent. A guess is checked against the path of each request. */
interface Place {
  readonly mount: Pattern
  readonly isGuess?: true
}

/** What `mountsOf()` needs to know of the parent. */
interface Surroundings {
  /** The layers of the parent that are plain functions. Express wraps a mounted app in such a function. */
  readonly functions: readonly Layer[]
  readonly siblings: readonly App[]
  readonly options: LayerOptions
  pattern(layer: Layer, raw: unknown, options: LayerOptions): Pattern
}

/**
 * Returns the places where an app is mounted in its parent.
 *
 * The app keeps the path of its last mount only. If it was mounted several times, the other places are functions whose path belongs
 * to no other app. Express names these functions `mounted_app`, but minifiers remove the name, and so do tools that wrap handlers
 * (OpenTelemetry, Elastic APM).
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

/** Returns whether a layer is the function in which Express wraps a mounted app, under its original name. */
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

/** Returns whether a layer was compiled from this path, as far as the version of Express shows that. */
function isSamePath(layer: Layer, path: unknown, options: LayerOptions): boolean {
  try {
    if (layer.regexp !== undefined)
      return layer.regexp.source === compiledLayer(layer, path, options).regexp?.source
    if (layer.rawPath !== undefined) return String(layer.rawPath) === String(path)
    // Express 5.0 to 5.2 keeps only functions. A path without parameters is compared by matching it against itself.
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
