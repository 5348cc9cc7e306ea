import type { Layer } from './layer-pattern.ts'

/**
 * The template of a mount whose path Express did not keep (before 5.3): what stands in the path, with the names of the
 * parameters in the places that they took.
 *
 * @param text the part of the path that the mount took
 */
export function recoveredTemplate(
  layer: Layer,
  matcher: NonNullable<Layer['matchers']>[number] | undefined,
  text: string,
  isSensitive: boolean,
): string {
  const { regexp } = layer
  if (regexp !== undefined) return fromExpression(regexp, layer.keys ?? [], text)
  return matcher === undefined ? text : fromMatcher(matcher, text, isSensitive)
}

interface Span {
  readonly start: number
  readonly end: number
  readonly name: string
}

/** Express 4: the expression says where its groups lie, and spells what stands between them. */
function fromExpression(regexp: RegExp, keys: NonNullable<Layer['keys']>, text: string): string {
  // What path-to-regexp made of a path looks for its end in one of two ways; the rest are expressions of the app's own.
  if (!/(\(\?=\\\/\|\$\)|\/\?)\)?$/.test(regexp.source)) return String(regexp)
  const match = new RegExp(regexp.source, `${regexp.flags}d`).exec(text)
  const spans: Span[] = []
  for (const [group, place] of (match?.indices ?? []).entries()) {
    const name = keys[group - 1]?.name
    if (place === undefined || name === undefined || place[0] === place[1]) continue
    spans.push({ start: place[0], end: place[1], name: typeof name === 'number' ? '*' : `:${name}` })
  }
  const spelling = regexp.source.replaceAll('\\', '')
  return withNames(text, spans, (fixed) => fixed.replace(words, (word) => spelledAs(word, spelling)))
}

const words = /[^/.]+/g

/** The word as the app spelled it: paths match in any case. */
function spelledAs(word: string, spelling: string): string {
  const folded = spelling.toLowerCase()
  for (
    let at = folded.indexOf(word.toLowerCase());
    at !== -1;
    at = folded.indexOf(word.toLowerCase(), at + 1)
  ) {
    const around = `${spelling[at - 1] ?? ''}${spelling[at + word.length] ?? ''}`
    if (!/\w/.test(around)) return spelling.slice(at, at + word.length)
  }
  return word
}

/** A segment that no path has by chance. */
const marker = 'px9usage9marker'

/**
 * Express 5.0 to 5.2: a matcher is a closure that tells nothing of its path, so each parameter is looked for by putting a
 * marker where its value stands. The spelling of the fixed text is not to be had: shouted segments are taken for variants.
 */
function fromMatcher(
  matcher: NonNullable<Layer['matchers']>[number],
  text: string,
  isSensitive: boolean,
): string {
  if (matcher.name === 'regexpMatcher') return '/(regexp)'
  // Values come decoded; without percent signs they stand in the path as they are.
  const disguised = text.replace(/%[0-9a-f]{2}/gi, 'zzz')
  const path = matcher(disguised) === false ? text : disguised
  const match = matcher(path)
  if (match === false) return text
  const spans: Span[] = []
  for (const [name, value] of Object.entries(match.params)) {
    const taken = Array.isArray(value) ? value.join('/') : String(value)
    const start = placeOf(matcher, path, name, taken)
    if (start === -1) continue
    spans.push({ start, end: start + taken.length, name: `${Array.isArray(value) ? '*' : ':'}${name}` })
  }
  spans.sort((a, b) => a.start - b.start)
  return withNames(text, spans, (fixed) =>
    isSensitive
      ? fixed
      : fixed.replace(words, (part) => (part === part.toUpperCase() ? part.toLowerCase() : part)),
  )
}

/** Where in the path the parameter stands: its value may stand there more than once, and as fixed text as well. */
function placeOf(
  matcher: NonNullable<Layer['matchers']>[number],
  path: string,
  name: string,
  value: string,
): number {
  for (let at = path.indexOf(value); at !== -1; at = path.indexOf(value, at + 1)) {
    const match = matcher(`${path.slice(0, at)}${marker}${path.slice(at + value.length)}`)
    if (match !== false && String(match.params[name]) === marker) return at
  }
  return -1
}

function withNames(text: string, spans: readonly Span[], spell: (fixed: string) => string): string {
  let template = ''
  let done = 0
  for (const { start, end, name } of spans) {
    // A group within a group says nothing more.
    if (start < done) continue
    template += spell(text.slice(done, start)) + name
    done = end
  }
  return template + spell(text.slice(done))
}
