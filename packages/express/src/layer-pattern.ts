import { recoveredTemplate } from './recovered-template.ts'

/** One entry of a router's stack, as Express 4 (`regexp`, `keys`), 5.0 to 5.2 (`matchers`) and 5.3 (`rawPath` too) keep it. */
export interface Layer {
  readonly handle: unknown
  readonly route?: { readonly path: unknown } | undefined
  readonly regexp?: RegExp & { fast_slash?: boolean; fast_star?: boolean }
  readonly keys?: ReadonlyArray<{ name: string | number; optional?: boolean }>
  readonly matchers?: ReadonlyArray<Matcher>
  readonly rawPath?: unknown
  readonly slash?: boolean
  readonly constructor: unknown
}

type Matcher = (path: string) => false | { path: string; params: Record<string, unknown> }

/** Express's own class: compiles a path in the dialect of its version. */
export type LayerClass = new (path: unknown, options: LayerOptions, handle: () => void) => Layer

export interface LayerOptions {
  readonly sensitive: boolean | undefined
  readonly strict: boolean | undefined
  /** Whether the whole path must match, or its beginning. */
  readonly end: boolean
}

/** What a layer takes of a path: under which template, and what is left for the router behind it. */
interface Taken {
  readonly template: string
  readonly rest: string
}

/** How a layer matches, without a trace in the layer: Express itself keeps the last match of any request there. */
export interface Pattern {
  /** The template, where it is the same for every path. */
  readonly constant: string | undefined
  take(path: string): Taken | undefined
}

/**
 * The pattern of a layer.
 *
 * @param raw the path as the app registered it, where Express still has it: of a route, a mounted app, or a layer of 5.3
 */
export function patternOf(layer: Layer, raw: unknown, options: LayerOptions): Pattern {
  const paths = Array.isArray(raw) ? raw.flat(Number.POSITIVE_INFINITY) : [raw]
  if (paths.length === 1) return singlePattern(layer, paths[0], options)
  const LayerOfVersion = layer.constructor as LayerClass
  const alternatives = paths.map((path) =>
    singlePattern(new LayerOfVersion(path, options, () => {}), path, options),
  )
  return { constant: undefined, take: (path) => firstOf(alternatives, (pattern) => pattern.take(path)) }
}

function singlePattern(layer: Layer, raw: unknown, options: LayerOptions): Pattern {
  if (raw === undefined && (layer.slash || layer.regexp?.fast_slash))
    return singlePattern(layer, '/', options)
  if (raw !== undefined) {
    const template = String(raw)
    return {
      constant: template,
      take: (path) => cut(layer, path, options, matchOf(layer, path)?.path, () => template),
    }
  }
  /** Paths match in any case: the spelling that was seen first stands for all. */
  const spellings = new Map<string, string>()
  return {
    constant: undefined,
    take(path) {
      const match = matchOf(layer, path)
      return cut(layer, path, options, match?.path, (text) => {
        const template = recoveredTemplate(layer, match?.matcher, text, options.sensitive === true)
        const folded = options.sensitive === true ? template : template.toLowerCase()
        if (!spellings.has(folded)) spellings.set(folded, template)
        return spellings.get(folded) as string
      })
    },
  }
}

function matchOf(layer: Layer, path: string): { path: string; matcher?: Matcher } | undefined {
  if (layer.matchers === undefined) {
    const { regexp } = layer
    if (regexp === undefined) return undefined
    if (regexp.fast_slash) return { path: '' }
    if (regexp.fast_star) return { path }
    const { lastIndex } = regexp
    const text = regexp.exec(path)?.[0]
    // A RegExp of the app may be a global one; Express must find it as it left it.
    regexp.lastIndex = lastIndex
    return text === undefined ? undefined : { path: text }
  }
  if (layer.slash) return { path: '' }
  return firstOf(layer.matchers, (matcher) => {
    const match = matcher(path)
    return match === false ? undefined : { path: match.path, matcher }
  })
}

/** The rules of Express for a mounted handler: its path is the beginning of the path, and ends where a segment does. */
function cut(
  layer: Layer,
  path: string,
  { end }: LayerOptions,
  text: string | undefined,
  template: (text: string) => string,
): Taken | undefined {
  if (text === undefined) return undefined
  if (end) return { template: template(text), rest: '' }
  if (!path.startsWith(text)) return undefined
  const rest = path.slice(text.length)
  const isWhole =
    text === '' || rest === '' || rest[0] === '/' || (rest[0] === '.' && layer.matchers === undefined)
  if (!isWhole && !text.endsWith('/')) return undefined
  return { template: template(text), rest: rest[0] === '/' ? rest : `/${rest}` }
}

function firstOf<T, R>(items: readonly T[], ask: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const answer = ask(item)
    if (answer !== undefined) return answer
  }
  return undefined
}
