/** One segment of a template, the text between two slashes. */
export type Segment =
  /** In lower case, because Express and Koa ignore the case of a path by default. */
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter' }
  /** Literals with at least one character between each two, such as `['', '.json']` for `:id.json`. */
  | { readonly kind: 'mixed'; readonly literals: readonly string[] }
  /** All segments that are left. */
  | { readonly kind: 'rest' }

/** More optional parts than this make no template. */
const mostVariants = 32

/**
 * Returns the ways in which a route template matches, one for each choice of its optional parts. It understands the templates of
 * Express 4 and 5, Koa and OpenAPI: `:id`, `{id}`, `:id?`, `{/:id}`, `:id(\d+)`, `*`, `*rest`, `(.*)`. The expression of a parameter
 * is not applied.
 */
export function templateVariants(route: string): Segment[][] {
  return withoutOptional(withoutExpressions(route)).map((variant) =>
    variant.split('/').slice(1).filter(isNotLastAndEmpty).map(segmentOf),
  )
}

function isNotLastAndEmpty(segment: string, at: number, all: readonly string[]): boolean {
  return segment !== '' || at < all.length - 1
}

/** Removes the expressions in parentheses. One that matches anything, and stands alone, is a `*`. */
function withoutExpressions(route: string): string {
  let text = ''
  let depth = 0
  let inside = ''
  for (const character of route) {
    if (character === '(') depth += 1
    if (depth === 0) text += character
    else inside += character
    if (character !== ')' || depth === 0) continue
    depth -= 1
    if (depth > 0) continue
    if (!/:\w+$/.test(text)) text += '*'
    else if (inside === '(.*)' || inside === '(.+)') text = text.replace(/:\w+$/, '*')
    inside = ''
  }
  return text
}

/** Returns the texts with and without each optional part: `{/:id}` of Express 5, `/:id?` of Express 4. */
function withoutOptional(route: string): string[] {
  let open = [route]
  const whole = new Set<string>()
  while (open.length > 0 && whole.size + open.length <= mostVariants) {
    open = open.flatMap((text) => {
      const found = optionalPart(text)
      if (found === undefined) {
        whole.add(text)
        return []
      }
      return found
    })
  }
  return [...whole, ...open]
}

function optionalPart(text: string): [string, string] | undefined {
  // Braces without a slash or a colon are a parameter of OpenAPI.
  const group = /\{([^{}]*[/:*.-][^{}]*)\}/.exec(text)
  if (group !== null) return around(text, group, group[1] ?? '')
  const optional = /(\/?:\w+)\?/.exec(text)
  return optional === null ? undefined : around(text, optional, optional[1] ?? '')
}

function around(text: string, { index, 0: found }: RegExpExecArray, inner: string): [string, string] {
  const [before, after] = [text.slice(0, index), text.slice(index + found.length)]
  return [before + inner + after, before + after]
}

const parameter = /:\w+|\{[^{}]*\}|\*\w*/

function segmentOf(segment: string, at: number, all: readonly string[]): Segment {
  if (/^(\*\w*|:\w+[*+])$/.test(segment) && at === all.length - 1) return { kind: 'rest' }
  const literals = segment.toLowerCase().split(new RegExp(parameter, 'g'))
  if (literals.length === 1) return { kind: 'literal', text: literals[0] as string }
  if (literals.every((literal) => literal === '')) return { kind: 'parameter' }
  return { kind: 'mixed', literals }
}

/** Returns whether a segment in lower case consists of these literals with at least one character between each two. */
export function matchesMixed(segment: string, literals: readonly string[]): boolean {
  const first = literals[0] as string
  const last = literals.at(-1) as string
  if (!segment.startsWith(first)) return false
  let at = first.length
  for (const literal of literals.slice(1, -1)) {
    const found = segment.indexOf(literal, at + 1)
    if (found === -1) return false
    at = found + literal.length
  }
  return segment.length - last.length > at && segment.endsWith(last)
}
