/** One entry of a router's stack. Express 4 has `regexp` and `keys`, router 2.0 to 2.2 (Express 5) `matchers`, and router 2.3 `matchers` and `rawPath`. */
export interface Layer {
  readonly handle: unknown
  readonly route?: { readonly path: unknown; readonly stack?: unknown } | undefined
  readonly regexp?: RegExp & { fast_slash?: boolean; fast_star?: boolean }
  readonly keys?: ReadonlyArray<{ name: string | number; optional?: boolean }>
  readonly matchers?: ReadonlyArray<Matcher>
  readonly rawPath?: unknown
  /** The parameters of the last path that the layer matched, of any request. Router 2.3 does not keep them. */
  readonly params?: unknown
  readonly slash?: boolean
  readonly constructor: unknown
}

export type Matcher = (path: string) => false | { path: string; params: Record<string, unknown> }

/** The constructor that each version of Express has for its layers. */
type LayerClass = new (path: unknown, options: LayerOptions, handle: () => void) => Layer

/** The options with which a router compiles a path. */
export interface LayerOptions {
  readonly sensitive: boolean | undefined
  readonly strict: boolean | undefined
  /** Whether the whole path must match; otherwise its beginning is enough. */
  readonly end: boolean
}

/** The most layers of a stack that are read, more than any router has. It bounds the time for a stack whose length is wrong. */
const maxLayers = 100_000

/** Creates a layer of the same class for another path, which Express compiles in the dialect of its version. */
export function compiledLayer(layer: Layer, path: unknown, options: LayerOptions): Layer {
  return new (layer.constructor as LayerClass)(path, options, () => {})
}

/**
 * Calls `visit` for each layer of a stack. It skips entries that are no layers and entries that throw when they are read, because one
 * bad entry would otherwise cost all routes of the router their names.
 */
export function forEachLayer(stack: unknown, visit: (layer: Layer) => void): void {
  const { length } = stack as readonly unknown[]
  for (let at = 0; at < length && at < maxLayers; at++) {
    try {
      const layer = (stack as readonly unknown[])[at]
      if (isLayer(layer)) visit(layer)
    } catch {
      // A getter or a proxy of the app threw.
    }
  }
}

function isLayer(value: unknown): value is Layer {
  if (typeof value !== 'object' || value === null) return false
  const { match, handle, regexp, matchers } = value as Layer & { match?: unknown }
  if (typeof match !== 'function' || typeof handle !== 'function') return false
  return regexp instanceof RegExp || Array.isArray(matchers)
}
