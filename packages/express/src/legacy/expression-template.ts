// Serves Express 4. Delete it when the oldest Express that px-usage supports is 5.0.
import { compiledLayer, type Layer, type LayerOptions } from '../layer.ts'

type Path = string | RegExp

/**
 * Returns the path, or the list of paths, that Express 4 compiled into the expression of a layer. `undefined` for a RegExp that the
 * app registered.
 *
 * The path is derived from the expression, and used only if Express compiles it to the same expression again.
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

/** Splits an expression into those of its paths. The oldest dialect puts a group around each list, and may nest lists. */
function alternatives(source: string): string[] {
  return source.split(/\|(?=(?:\(\?:)*\^)/).map((part) => {
    const groups = /^(?:\(\?:)*(?=\^)/.exec(part)?.[0] ?? ''
    return part.slice(groups.length).replace(/(\(\?=\\\/\|\$\))\)+$/, '$1')
  })
}

/** Returns the path of one alternative, or the alternative itself if it is a RegExp that the app registered. */
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

/** The expression of a parameter without a custom pattern, in the dialects of Express 4.17 to 4.22. */
const ownCapture = /^\(\[\^\\?\/(\\\.)?\]\+\?\)$|^\(\(\?:\(\?!\\?\/\|.*\)\.\)\+\?\)$/
const star = /^\(\(\?:\[\\?\/(\\\.)?\]\.\+\?\)\?\)/

/**
 * Converts an expression back into the path that Express compiled.
 *
 * @param names names of the groups in order; the function removes each one that it uses
 * @param escaped the characters that Express escapes in a parameter's custom pattern; the oldest dialect escapes dots too
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

/** Removes the escapes of slashes and dots, which Express added. All other escapes come from the app. */
function unescaped(text: string): string {
  return text.replace(/\\([/.])/g, '$1')
}

/** Returns the index after the bracket that closes the group. */
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
