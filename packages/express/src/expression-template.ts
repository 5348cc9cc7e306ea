import { compiledLayer, type Layer, type LayerOptions } from './layer.ts'

/**
 * The path that an expression of Express 4 was made of, or the list of paths: read backwards out of the expression, and
 * believed only if Express makes the same expression of it again. `undefined` for an expression of the app's own.
 */
export function pathOfExpression(layer: Layer, options: LayerOptions): string | string[] | undefined {
  const { regexp, keys = [] } = layer
  if (regexp === undefined) return undefined
  // A list of paths is one expression of alternatives; the oldest dialect puts a group around them.
  const source = regexp.source.replace(/^\(\?:(\^.*)\)$/, '$1')
  const parts = source.split(/(?<=\(\?=\\\/\|\$\))\|(?=\^)/)
  for (const escaped of [/\\([/.])/g, /\\(\/)/g]) {
    const names = keys.map(({ name }) => name)
    const paths = parts.map((part) => readBackwards(part, names, escaped))
    const path = paths.length === 1 ? (paths[0] as string) : paths
    if (isMadeOf(layer, path, options) || isMadeOf(layer, [path], options)) return path
  }
  return undefined
}

function isMadeOf(layer: Layer, path: unknown, options: LayerOptions): boolean {
  try {
    const made = compiledLayer(layer, path, options)
    const names = ({ keys = [] }: Layer) => JSON.stringify(keys.map(({ name }) => name))
    return made.regexp?.source === layer.regexp?.source && names(made) === names(layer)
  } catch {
    return false
  }
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
