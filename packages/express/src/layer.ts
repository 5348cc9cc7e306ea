/** One entry of a router's stack, as Express 4 (`regexp`, `keys`), 5.0 to 5.2 (`matchers`) and 5.3 (`rawPath` too) keep it. */
export interface Layer {
  readonly handle: unknown
  readonly route?: { readonly path: unknown; readonly stack?: unknown } | undefined
  readonly regexp?: RegExp & { fast_slash?: boolean; fast_star?: boolean }
  readonly keys?: ReadonlyArray<{ name: string | number; optional?: boolean }>
  readonly matchers?: ReadonlyArray<Matcher>
  readonly rawPath?: unknown
  /** What the layer took from the path that it saw last, of any request; not kept by 5.3. */
  readonly params?: unknown
  readonly slash?: boolean
  readonly constructor: unknown
}

export type Matcher = (path: string) => false | { path: string; params: Record<string, unknown> }

type LayerClass = new (path: unknown, options: LayerOptions, handle: () => void) => Layer

export interface LayerOptions {
  readonly sensitive: boolean | undefined
  readonly strict: boolean | undefined
  /** Whether the whole path must match, or its beginning. */
  readonly end: boolean
}

/** More layers than any router has: a longer stack is not read to its end. */
const mostLayers = 100_000

/** A layer of the same class for another path: Express compiles it in the dialect of its version. */
export function compiledLayer(layer: Layer, path: unknown, options: LayerOptions): Layer {
  return new (layer.constructor as LayerClass)(path, options, () => {})
}

/**
 * Calls `visit` for each entry of a stack that Express made. Anything else that an app has put there is left out, and so is what
 * throws when it is looked at: it must not cost the other layers their names.
 */
export function forEachLayer(stack: unknown, visit: (layer: Layer) => void): void {
  const { length } = stack as readonly unknown[]
  for (let at = 0; at < length && at < mostLayers; at++) {
    try {
      const layer = (stack as readonly unknown[])[at]
      if (isLayer(layer)) visit(layer)
    } catch {
      // A getter or a proxy of the app.
    }
  }
}

function isLayer(value: unknown): value is Layer {
  if (typeof value !== 'object' || value === null) return false
  const { match, handle, regexp, matchers } = value as Layer & { match?: unknown }
  if (typeof match !== 'function' || typeof handle !== 'function') return false
  return regexp instanceof RegExp || Array.isArray(matchers)
}
