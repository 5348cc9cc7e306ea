/** One entry of a router's stack, as Express 4 (`regexp`, `keys`), 5.0 to 5.2 (`matchers`) and 5.3 (`rawPath` too) keep it. */
export interface Layer {
  readonly handle: unknown
  readonly route?: { readonly path: unknown } | undefined
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

/** A layer of the same class for another path: Express compiles it in the dialect of its version. */
export function compiledLayer(layer: Layer, path: unknown, options: LayerOptions): Layer {
  return new (layer.constructor as LayerClass)(path, options, () => {})
}
