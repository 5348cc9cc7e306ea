// Serves Express 5.0 to 5.2. Delete it when the oldest Express that px-usage supports is 5.3, which keeps the path of each layer.
import { compiledLayer, type Layer, type LayerOptions, type Matcher } from '../layer.ts'

/** The most templates that are remembered for one mount. Only a mount with optional parts has more than one. */
const maxRemembered = 16

/** The most optional parameters that are searched for in one mount. */
const maxOptional = 8

/** Segments that no real path contains: `probe` replaces a value, and `marker` is inserted where a value may be missing. */
const probe = 'px9usage9marker'
const marker = 'px9usage9missing'

/** The position of a parameter's value in a path. */
interface Span {
  readonly start: number
  readonly end: number
  readonly name: string
  readonly isWildcard: boolean
}

/**
 * Returns a function that matches a path and recovers the template of a mount in Express 5.0 to 5.2, which keep only a closure of
 * its path. The template is the path of a request with the names of the parameters in place of their values.
 *
 * A recovered template is compiled and remembered. It serves every later path from which it extracts the same parameters, in
 * any spelling.
 */
export function recoveredTemplates(layer: Layer, matcher: Matcher, options: LayerOptions) {
  const remembered: Array<{ template: string; matcher: Matcher }> = []
  return (path: string): { text: string; template: string } | undefined => {
    const match = matcher(path)
    if (match === false) return undefined
    const text = match.path
    if (matcher.name === 'regexpMatcher') return { text, template: '/(regexp)' }
    const known = remembered.find(({ matcher }) => isSame(matcher(path), match))
    if (known !== undefined) return { text, template: known.template }
    const template = recovered(matcher, text, options.sensitive === true)
    const [compiled] = matchersOf(layer, template, options)
    if (compiled !== undefined && isSame(compiled(path), match) && remembered.length < maxRemembered)
      remembered.push({ template, matcher: compiled })
    return { text, template }
  }
}

/** Compiles a template. Returns no matchers if Express rejects it, as where fixed text looks like syntax. */
function matchersOf(layer: Layer, template: string, options: LayerOptions): readonly Matcher[] {
  try {
    return compiledLayer(layer, template, options).matchers ?? []
  } catch {
    return []
  }
}

function isSame(a: ReturnType<Matcher>, b: ReturnType<Matcher>): boolean {
  if (a === false || b === false || a.path !== b.path) return false
  const names = Object.keys(a.params)
  return (
    names.length === Object.keys(b.params).length &&
    names.every((name) => String(a.params[name]) === String(b.params[name]))
  )
}

/** Recovers the template from one path: it finds each parameter by inserting a marker where its value may be. */
function recovered(matcher: Matcher, text: string, isSensitive: boolean): string {
  // Express decodes values. Without percent signs, a value occurs in the path literally and can be found.
  const disguised = text.replace(/%[0-9a-f]{2}/gi, 'zzz')
  const isDisguised = matcher(disguised) !== false
  const inserted = missingParts(matcher, isDisguised ? disguised : text)
  const path = withInserted(isDisguised ? disguised : text, inserted)
  const match = matcher(path)
  if (match === false) return '/(unknown)'
  const spans = Object.entries(match.params).map(([name, value]) => spanOf(matcher, path, name, value))
  // A value that was not found would become fixed text of the name, one endpoint for each value. Use the parameter names alone.
  if (spans.includes(undefined))
    return `/${Object.keys(match.params)
      .map((name) => `:${name}`)
      .join('/')}`
  const sorted = (spans as Span[]).sort((a, b) => a.start - b.start)
  return withNames(withInserted(text, inserted), sorted, optionalOf(matcher, path, sorted), isSensitive)
}

/** Returns the names of the optional parameters: those that are missing from the match when their segments are removed. */
function optionalOf(matcher: Matcher, path: string, spans: readonly Span[]): ReadonlySet<string> {
  const optional = new Set<string>()
  for (let first = 0; first < spans.length; first++) {
    for (let last = first; last < spans.length; last++) {
      const shorter = spans
        .slice(first, last + 1)
        .reduceRight((text, { start, end }) => text.slice(0, start - 1) + text.slice(end), path)
      const match = matcher(shorter)
      if (match !== false && match.path === shorter)
        for (const { name } of spans) if (!(name in match.params)) optional.add(name)
    }
  }
  return optional
}

/** Returns the positions of optional parameters that the path lacks. */
function missingParts(matcher: Matcher, text: string): number[] {
  const places: number[] = []
  let match = matcher(text)
  for (let at = text.length; at >= 0; at--) {
    if (match === false || (at < text.length && text[at] !== '/')) continue
    const longer = matcher(withInserted(text, [...places, at]))
    const names = Object.keys(match.params).length
    if (longer === false || Object.keys(longer.params).length <= names) continue
    places.push(at)
    match = longer
    // Another optional parameter may follow at the same position.
    if (places.length < maxOptional) at += 1
  }
  return places
}

/** Inserts a marker segment at each position. @param places from the last to the first */
function withInserted(text: string, places: readonly number[]): string {
  return places.reduce((path, at) => `${path.slice(0, at)}/${marker}${path.slice(at)}`, text)
}

function spanOf(matcher: Matcher, path: string, name: string, value: unknown): Span | undefined {
  const isWildcard = Array.isArray(value)
  // The value may occur several times, also as fixed text. Only its real position changes the parameter.
  for (const taken of spellingsOf(isWildcard ? value.join('/') : String(value), path))
    for (let at = path.indexOf(taken); at !== -1; at = path.indexOf(taken, at + 1)) {
      const end = at + taken.length
      const match = matcher(`${path.slice(0, at)}${probe}${path.slice(end)}`)
      if (match !== false && String(match.params[name]) === probe) return { start: at, end, name, isWildcard }
    }
  return undefined
}

function spellingsOf(value: string, path: string): string[] {
  return [value, ...path.split('/').filter((segment) => segment !== value && isSpelling(segment, value))]
}

function isSpelling(segment: string, value: string): boolean {
  try {
    return decodeURIComponent(segment) === value
  } catch {
    return false
  }
}

/**
 * Replaces values by parameter names. Where paths match in any case, the registered spelling is unknown, so a segment in capitals is
 * written in lower case: otherwise every spelling of a path would become an endpoint.
 */
function withNames(
  text: string,
  spans: readonly Span[],
  optional: ReadonlySet<string>,
  isSensitive: boolean,
): string {
  const spell = (fixed: string) =>
    (isSensitive
      ? fixed
      : fixed.replace(/[^/.]+/g, (part) => (part === part.toUpperCase() ? part.toLowerCase() : part))
    ).replace(/[{}()[\]+?!:*\\]/g, '\\$&')
  let template = ''
  let done = 0
  for (const { start, end, name, isWildcard } of spans) {
    const quoted = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name)
    const parameter = `${isWildcard ? '*' : ':'}${quoted}`
    const isOptional = optional.has(name) && text[start - 1] === '/'
    template += isOptional
      ? `${spell(text.slice(done, start - 1))}{/${parameter}}`
      : `${spell(text.slice(done, start))}${parameter}`
    done = end
  }
  return template + spell(text.slice(done))
}
