import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'
import { pathOfExpression } from './legacy/expression-template.ts'
import { recoveredTemplates } from './legacy/recovered-template.ts'

/** The match of a layer: its template, and the rest of the path for the router in it. */
interface Taken {
  readonly template: string
  readonly rest: string
}

/** Matches paths like a layer, without changing the layer. Express itself stores the last match of any request in it. */
export interface Pattern {
  /** The template, if it is the same for every path. */
  readonly constant: string | undefined
  /** Matches the beginning of a path, or the whole path for a route. */
  take(path: string): Taken | undefined
}

/**
 * Returns the pattern of a layer.
 *
 * @param raw the path as the app registered it, if Express has kept it: of a route, a mounted app, or any layer of router 2.3
 */
export function patternOf(layer: Layer, raw: unknown, options: LayerOptions): Pattern {
  const path = raw ?? pathKeptBy(layer, options)
  if (path === undefined) {
    const recovered = (layer.matchers ?? []).map((matcher) => recoveredTemplates(layer, matcher, options))
    return oneOf(
      recovered.map((matcher) => ({
        constant: undefined,
        take: (path) => cut(layer, path, options, matcher),
      })),
    )
  }
  const paths = Array.isArray(path) ? path.flat(Number.POSITIVE_INFINITY) : [path]
  if (paths.length === 1) return knownPattern(layer, paths[0], options)
  return oneOf(paths.map((path) => knownPattern(compiledLayer(layer, path, options), path, options)))
}

function pathKeptBy(layer: Layer, options: LayerOptions): unknown {
  if (layer.slash || layer.regexp?.fast_slash) return '/'
  return pathOfExpression(layer, options) ?? layer.regexp
}

/** Returns the pattern of a known path, which is its template. */
function knownPattern(layer: Layer, path: unknown, options: LayerOptions): Pattern {
  const template = String(path)
  const match = (path: string) => {
    const text = textOf(layer, path)
    return text === undefined ? undefined : { text, template }
  }
  return { constant: template, take: (path) => cut(layer, path, options, match) }
}

function oneOf(patterns: readonly Pattern[]): Pattern {
  return { constant: undefined, take: (path) => firstResult(patterns, (pattern) => pattern.take(path)) }
}

/** Returns the part of the path that the layer matches. */
function textOf({ matchers, regexp, slash }: Layer, path: string): string | undefined {
  if (slash || regexp?.fast_slash) return ''
  if (regexp?.fast_star) return path
  if (regexp === undefined)
    return firstResult(matchers ?? [], (matcher) => {
      const match = matcher(path)
      return match === false ? undefined : match.path
    })
  const { lastIndex } = regexp
  const text = regexp.exec(path)?.[0]
  // The app may have registered a global RegExp. A changed lastIndex would make Express miss its next match.
  regexp.lastIndex = lastIndex
  return text
}

/** Applies the rules of Express for a mounted handler: it matches the beginning of a path, up to the end of a segment. */
function cut(
  layer: Layer,
  path: string,
  { end }: LayerOptions,
  match: (path: string) => { text: string; template: string } | undefined,
): Taken | undefined {
  const matched = match(path)
  if (matched === undefined) return undefined
  const { text, template } = matched
  if (end) return { template, rest: '' }
  if (!path.startsWith(text)) return undefined
  const rest = path.slice(text.length)
  const isWhole =
    text === '' || rest === '' || rest[0] === '/' || (rest[0] === '.' && layer.matchers === undefined)
  if (!isWhole && !text.endsWith('/')) return undefined
  return { template, rest: rest[0] === '/' ? rest : `/${rest}` }
}

function firstResult<T, R>(items: readonly T[], match: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const result = match(item)
    if (result !== undefined) return result
  }
  return undefined
}
