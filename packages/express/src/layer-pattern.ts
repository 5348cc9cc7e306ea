import { pathOfExpression } from './expression-template.ts'
import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'
import { recoveredTemplates } from './recovered-template.ts'

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

/** A pattern whose path is known: it is the template. */
function knownPattern(layer: Layer, path: unknown, options: LayerOptions): Pattern {
  const template = String(path)
  const match = (path: string) => {
    const text = textOf(layer, path)
    return text === undefined ? undefined : { text, template }
  }
  return { constant: template, take: (path) => cut(layer, path, options, match) }
}

function oneOf(patterns: readonly Pattern[]): Pattern {
  return { constant: undefined, take: (path) => firstOf(patterns, (pattern) => pattern.take(path)) }
}

/** The part of the path that the layer matches. */
function textOf({ matchers, regexp, slash }: Layer, path: string): string | undefined {
  if (slash || regexp?.fast_slash) return ''
  if (regexp?.fast_star) return path
  if (regexp === undefined)
    return firstOf(matchers ?? [], (matcher) => {
      const match = matcher(path)
      return match === false ? undefined : match.path
    })
  const { lastIndex } = regexp
  const text = regexp.exec(path)?.[0]
  // A RegExp of the app may be a global one; Express must find it as it left it.
  regexp.lastIndex = lastIndex
  return text
}

/** The rules of Express for a mounted handler: its path is the beginning of the path, and ends where a segment does. */
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

function firstOf<T, R>(items: readonly T[], ask: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const answer = ask(item)
    if (answer !== undefined) return answer
  }
  return undefined
}
