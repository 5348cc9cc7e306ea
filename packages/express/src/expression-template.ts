import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'

type Path = string | RegExp

/**
 * The path that an expression of Express 4 was made of, or the list of paths: read backwards out of the expression, and
 * believed only if Express makes the same expression of it again. `undefined` for an expression of the app's own.
 */
export function pathOfExpression(layer: Layer, options: LayerOptions): Path | Path[] | undefined {
  const { regexp, keys = [] } = layer
  if (regexp === undefined) return undefined
  const parts = alternatives(regexp.source)
  for (const escaped of [/\\([/.])/g, /\\(\/)/g]) {
    const names = keys.map(({ name }) => name)
    const paths = parts.map((part) => pathOfPart(part, names, escaped, layer, options))
    const isOwn = paths.length === 1 && paths[0] instanceof RegExp
    if (!isOwn && isMadeOf(layer, paths, options)) return paths.length === 1 ? paths[0] : paths
  }
  return undefined
}

/** A list of paths is one expression of alternatives; the oldest dialect puts a group around each list, and lists in it. */
function alternatives(source: string): string[] {
  return source.split(/\|(?=(?:\(\?:)*\^)/).map((part) => {
    const groups = /^(?:\(\?:)*(?=\^)/.exec(part)?.[0] ?? ''
    return part.slice(groups.length).replace(/(\(\?=\\\/\|\$\))\)+$/, '$1')
  })
}

/** The path that one alternative was made of, or itself, where it is one that the app gave. */
function pathOfPart(
  part: string,
  names: Array<string | number>,
  escaped: RegExp,
  layer: Layer,
  options: LayerOptions,
): Path {
  const path = readBackwards(part, [...names], escaped)
  try {
    const made = compiledLayer(layer, path, options)
    if (made.regexp?.source === part) {
      names.splice(0, made.keys?.length)
      return path
    }
    const groups = new RegExp(`${part}|`).exec('')?.length ?? 1
    names.splice(0, groups - 1)
    return new RegExp(part)
  } catch {
    return path
  }
}

function isMadeOf(layer: Layer, paths: Path[], options: LayerOptions): boolean {
  try {
    const made = compiledLayer(layer, paths, options)
    const isSame =
      String(alternatives(made.regexp?.source ?? '')) === String(alternatives(layer.regexp?.source ?? ''))
    return isSame && namesOf(made) === namesOf(layer)
  } catch {
    return false
  }
}

function namesOf({ keys = [] }: Layer): string {
  return JSON.stringify(keys.map(({ name }) => name))
}

/** What stands for a parameter that has no expression of its own, in the dialects from 4.17 to 4.22. */
const ownCapture = /^\(\[\^\\?\/(\\\.)?\]\+\?\)$|^\(\(\?:\(\?!\\?\/\|.*\)\.\)\+\?\)$/
const star = /^\(\(\?:\[\\?\/(\\\.)?\]\.\+\?\)\?\)/

/**
 * @param names those of the groups in order; each group takes one off the front
 * @param escaped what Express and RegExp escape in a parameter's own expression: dots too, in the oldest dialect
 */
function readBackwards(source: string, names: Array<string | number>, escaped: RegExp): string {
  const text = source.replace(/^\^/, '').replace(/(\\\/\?)?(\(\?=\\\/\|\$\))?$/, '')
  let path = ''
  for (let at = 0; at < text.length; ) {
    const parameter = /^\(\?:(\\\.)?(\\\/)?(?=\((?!\?))/.exec(text.slice(at))
    if (parameter !== null && typeof names[0] === 'string') {
      const [opening, format = '', slash = ''] = parameter
      const start = at + opening.length
      let end = endOfGroup(text, start)
      const capture = text.slice(start, end)
      const more = star.exec(text.slice(end))?.[0] ?? ''
      end += more.length + 1
      const isOptional = text[end] === '?'
      const own = ownCapture.test(capture) ? '' : capture.replaceAll('(.*)', '*').replace(escaped, '$1')
      path += `${unescaped(slash + format)}:${names.shift()}${own}${more && '*'}${isOptional ? '?' : ''}`
      at = end + (isOptional ? 1 : 0)
    } else if (text.startsWith('(.*)', at)) {
      names.shift()
      path += '*'
      at += 4
    } else if (text.startsWith('(?:', at) && path.endsWith('/')) {
      path += '('
      at += 3
    } else if (text[at] === '\\') {
      path += unescaped(text.slice(at, at + 2))
      at += 2
    } else {
      if (text[at] === '(' && text[at + 1] !== '?') names.shift()
      path += text[at]
      at += 1
    }
  }
  return path
}

/** Slashes and dots are escaped by Express; what else is, by the app. */
function unescaped(text: string): string {
  return text.replace(/\\([/.])/g, '$1')
}

/** The place behind the bracket that closes the group. */
function endOfGroup(text: string, start: number): number {
  let depth = 0
  let isClass = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at += 1
    else if (isClass) isClass = char !== ']'
    else if (char === '[') isClass = true
    else if (char === '(') depth += 1
    else if (char === ')' && --depth === 0) return at + 1
  }
  return text.length
}
