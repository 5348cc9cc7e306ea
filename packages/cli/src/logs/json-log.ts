import { type LogFormat, type LogLine, outcomeOf } from './log-line.ts'
import { timeOf } from './log-time.ts'
import { findRequest, isMethod } from './request-text.ts'

/** What a call needs of a line of JSON. */
export const jsonFields = ['time', 'method', 'path', 'status'] as const
type JsonField = (typeof jsonFields)[number]

/** The names under which these are found without a map, in the order in which they are tried. */
const usualNames: Readonly<Record<JsonField | 'request', readonly string[]>> = {
  time: ['time', 'timestamp', '@timestamp', 'ts', 'time_iso8601', 'time_local', 'msec'],
  method: ['method', 'request_method', 'req.method', 'http.method', 'request.method'],
  path: ['path', 'uri', 'request_uri', 'url', 'req.url', 'request.uri'],
  status: ['status', 'status_code', 'statusCode', 'res.statusCode', 'response.status'],
  request: ['request'],
}

type Names = Readonly<Record<JsonField | 'request', readonly string[]>>

/** Which field of a line has the time, the method, the path and the status. Dots lead into objects: `req.method`. */
export type JsonFieldMap = Readonly<Partial<Record<JsonField, string>>>

class JsonLine implements LogLine {
  content: object = {}
  atMs = 0
  method = ''
  path = ''
  status = 0
  aborted = false

  field(name: string): string | undefined {
    const value = valueAt(this.content, name)
    if (typeof value === 'number') return String(value)
    return typeof value !== 'string' || value === '' || value === '-' ? undefined : value
  }

  rawField(name: string): string | undefined {
    return this.field(name)
  }

  fields(): Record<string, unknown> {
    return this.content as Record<string, unknown>
  }
}

/** Creates the format with one JSON object on each line. @param map names of fields; those that are missing have their usual name */
export function createJsonLog(map: JsonFieldMap = {}): LogFormat {
  const line = new JsonLine()
  const names: Names = {
    ...usualNames,
    ...Object.fromEntries(Object.entries(map).map(([field, name]) => [field, [name]])),
  }
  return {
    name: 'json',
    parse(text, start, end) {
      const content = parsed(text.slice(start, end))
      if (content === undefined) return 'layout'
      line.content = content
      line.atMs = timeOf(first(content, names.time))
      if (!Number.isFinite(line.atMs)) return 'time'
      const logged = Number(first(content, names.status))
      if (!Number.isInteger(logged) || logged < 0 || logged > 999) return 'status'
      Object.assign(line, outcomeOf(logged))
      return readRequest(content, names, line) ? line : 'request'
    },
  }
}

function readRequest(content: object, names: Names, line: JsonLine): boolean {
  const whole = first(content, names.request)
  const method = first(content, names.method) ?? (typeof whole === 'string' ? whole.split(' ')[0] : undefined)
  const target =
    first(content, names.path) ??
    (typeof whole === 'string' ? whole.slice(whole.indexOf(' ') + 1) : undefined)
  if (typeof method !== 'string' || typeof target !== 'string') return false
  const upper = method.toUpperCase()
  if (!isMethod(upper)) return false
  const parts = { methodEnd: 0, pathStart: 0, pathEnd: 0, targetEnd: 0 }
  const request = `${upper} ${target}`
  if (!findRequest(request, 0, request.length, parts)) return false
  line.method = upper
  line.path = request.slice(parts.pathStart, parts.pathEnd)
  return true
}

function parsed(text: string): object | undefined {
  try {
    const isAscii = !/[\x80-\xff]/.test(text)
    const content: unknown = JSON.parse(isAscii ? text : Buffer.from(text, 'latin1').toString('utf8'))
    return typeof content === 'object' && content !== null && !Array.isArray(content) ? content : undefined
  } catch {
    return undefined
  }
}

function first(content: object, names: readonly string[]): unknown {
  for (const name of names) {
    const value = valueAt(content, name)
    if (value !== undefined && value !== null && value !== '') return value
  }
  return undefined
}

/** Returns the value of a field whose own name may contain dots. */
function valueAt(content: object, name: string): unknown {
  if (Object.hasOwn(content, name)) return (content as Record<string, unknown>)[name]
  let value: unknown = content
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}
