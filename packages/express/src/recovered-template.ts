import { compiledLayer, type Layer, type LayerOptions, type Matcher } from './layer.ts'

/** So many templates of one mount are remembered: more than one only where it has optional parts. */
const maxRemembered = 16

/** A segment that no path has by chance. */
const marker = 'px9usage9marker'

interface Span {
  readonly start: number
  readonly end: number
  readonly name: string
}

/**
 * The templates of a mount of Express 5.0 to 5.2, which keeps nothing of its path but a closure: what stands in the path, with
 * the names of the parameters in the places that they take. A template that was found once is compiled, and holds for
 * every path that it takes apart in the same way, in any spelling.
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

/** None where fixed text of the template means something to Express. */
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

/** Each parameter is looked for by putting a marker where its value may stand. */
function recovered(matcher: Matcher, text: string, isSensitive: boolean): string {
  // Values come decoded; without percent signs they stand in the path as they are.
  const disguised = text.replace(/%[0-9a-f]{2}/gi, 'zzz')
  const path = matcher(disguised) === false ? text : disguised
  const match = matcher(path)
  if (match === false) return '/(unknown)'
  const spans = Object.entries(match.params).map(([name, value]) => spanOf(matcher, path, name, value))
  // A value must never be taken for fixed text: then the names have to do.
  if (spans.includes(undefined))
    return `/${Object.keys(match.params)
      .map((name) => `:${name}`)
      .join('/')}`
  return withNames(text, spans as Span[], isSensitive)
}

function spanOf(matcher: Matcher, path: string, name: string, value: unknown): Span | undefined {
  const isWildcard = Array.isArray(value)
  // The value may stand there more than once, and as fixed text as well.
  for (const taken of spellingsOf(isWildcard ? value.join('/') : String(value), path))
    for (let at = path.indexOf(taken); at !== -1; at = path.indexOf(taken, at + 1)) {
      const end = at + taken.length
      const match = matcher(`${path.slice(0, at)}${marker}${path.slice(end)}`)
      if (match !== false && String(match.params[name]) === marker)
        return { start: at, end, name: `${isWildcard ? '*' : ':'}${name}` }
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

/** The spelling of fixed text is not to be had where paths match in any case: shouted segments are taken for variants. */
function withNames(text: string, spans: Span[], isSensitive: boolean): string {
  const spell = (fixed: string) =>
    isSensitive
      ? fixed
      : fixed.replace(/[^/.]+/g, (part) => (part === part.toUpperCase() ? part.toLowerCase() : part))
  let template = ''
  let done = 0
  for (const { start, end, name } of spans.sort((a, b) => a.start - b.start)) {
    template += spell(text.slice(done, start)) + name
    done = end
  }
  return template + spell(text.slice(done))
}
