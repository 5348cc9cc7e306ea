import { decodeBytes } from './decode-bytes.ts'
import { type LogFormat, type LogLine, outcomeOf } from './log-line.ts'
import { createLogTimes, logTimeLength } from './log-time.ts'
import { findRequest, type RequestParts } from './request-text.ts'

const backslash = 92
const space = 32

/** The fields of a line, by the names of nginx. */
const fieldNames = [
  'remote_addr',
  'remote_user',
  'request',
  'query',
  'referrer',
  'user_agent',
  'rest',
] as const
type FieldName = (typeof fieldNames)[number]

/**
 * The line that was parsed last. It keeps places instead of texts: most fields of most lines are never read.
 *
 * `rest` is what follows the user agent, where teams append fields of their own such as a request id or an API key.
 */
class CombinedLine implements LogLine, RequestParts {
  text = ''
  start = 0
  end = 0
  requestStart = 0
  requestEnd = 0
  methodEnd = 0
  pathStart = 0
  pathEnd = 0
  targetEnd = 0
  atMs = 0
  status = 0
  aborted = false

  get method(): string {
    return this.text.slice(this.requestStart, this.methodEnd)
  }

  get path(): string {
    return this.text.slice(this.pathStart, this.pathEnd)
  }

  field(name: string): string | undefined {
    const raw = this.rawField(name)
    return raw === undefined ? undefined : decodeBytes(raw)
  }

  rawField(name: string): string | undefined {
    const text = this.#textOf(name as FieldName)
    return text === '' || text === '-' ? undefined : text
  }

  fields(): Record<string, unknown> {
    return Object.fromEntries(fieldNames.map((name) => [name, this.field(name)]))
  }

  #textOf(name: FieldName): string | undefined {
    const { text, start, requestStart } = this
    switch (name) {
      case 'remote_user': {
        const ident = text.indexOf(' ', start) + 1
        const user = text.indexOf(' ', ident) + 1
        return text.slice(user, requestStart - logTimeLength - 5)
      }
      case 'remote_addr':
        return text.slice(start, text.indexOf(' ', start))
      case 'request':
        return text.slice(requestStart, this.requestEnd)
      case 'query':
        return text.slice(this.pathEnd + 1, this.targetEnd)
      case 'referrer':
        return this.#quoted(0)
      case 'user_agent':
        return this.#quoted(1)
      case 'rest':
        return this.#quoted(2)
      default:
        return undefined
    }
  }

  /** Returns a text in quotes after the request, or with 2 all that follows the second one. */
  #quoted(which: 0 | 1 | 2): string | undefined {
    let at = this.requestEnd + 1
    for (let place = 0; ; place++) {
      if (place === 2) return this.text.slice(at, this.end).trim()
      const open = this.text.indexOf('"', at)
      if (open === -1 || open >= this.end) return undefined
      const close = closingQuote(this.text, open + 1, this.end)
      if (close === -1) return undefined
      if (place === which) return this.text.slice(open + 1, close)
      at = close + 1
    }
  }
}

/**
 * Creates the format of nginx and Apache, `combined` or `common`:
 * `addr ident user [time] "request" status bytes "referrer" "user agent"`.
 *
 * A line is parsed in one pass from the first quote on, which is the one before the request, because both servers escape quotes in
 * a user name. A user name may contain spaces and brackets, so it is what is left before the time.
 */
export function createCombinedLog(): LogFormat {
  const times = createLogTimes()
  const line = new CombinedLine()
  return {
    name: 'combined',
    parse(text, start, end) {
      const open = openingQuote(text, start, end)
      const timeAt = open - 2 - logTimeLength
      if (open === -1 || timeAt <= start || !text.startsWith('] "', open - 2)) return 'layout'
      if (text.charCodeAt(timeAt - 1) !== 91) return 'layout'
      const atMs = times.at(text, timeAt)
      if (Number.isNaN(atMs)) return 'time'
      const close = closingQuote(text, open + 1, end)
      if (close === -1) return 'layout'
      line.text = text
      line.start = start
      line.end = end
      line.atMs = atMs
      line.requestStart = open + 1
      line.requestEnd = close
      const logged = statusAt(text, close + 1, end)
      if (logged === -1) return 'status'
      if (!findRequest(text, open + 1, close, line)) return 'request'
      const { status, aborted } = outcomeOf(logged)
      line.status = status
      line.aborted = aborted
      return line
    },
  }
}

function openingQuote(text: string, start: number, end: number): number {
  let at = text.indexOf('"', start)
  while (at > start && text.charCodeAt(at - 1) === backslash) at = text.indexOf('"', at + 1)
  return at >= end ? -1 : at
}

/** Returns the place of the quote that is not escaped: before it is an even number of backslashes. */
function closingQuote(text: string, from: number, end: number): number {
  for (let at = text.indexOf('"', from); at !== -1 && at < end; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (before >= from && text.charCodeAt(before) === backslash) before -= 1
    if ((at - before) % 2 === 1) return at
  }
  return -1
}

/** Returns the three digits of ` 200 `, -1 if they are not there. */
function statusAt(text: string, at: number, end: number): number {
  if (text.charCodeAt(at) !== space || at + 4 > end) return -1
  let status = 0
  for (let place = at + 1; place < at + 4; place++) {
    const digit = text.charCodeAt(place) - 48
    if (digit < 0 || digit > 9) return -1
    status = status * 10 + digit
  }
  const isAlone = at + 4 === end || text.charCodeAt(at + 4) === space
  return isAlone && status >= 100 ? status : -1
}
