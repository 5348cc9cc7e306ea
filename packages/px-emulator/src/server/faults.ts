import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http'
import { PxError } from '../px-error.ts'
import { textPattern } from '../query/text-pattern.ts'

/** A request to `/v1` as received. */
export interface ReceivedRequest {
  method: string
  /** With its query, as received. */
  url: string
  headers: IncomingMessage['headers']
  body: string
  receivedMs: number
  /** Status of the response; `null` if the connection was cut, `undefined` until then. */
  status?: number | null
}

/** What goes wrong with one request. */
export interface Fault {
  /** Waits before anything else. */
  delayMs?: number
  /** Responds with this status instead of the real one. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** Cuts the connection without a response. */
  reset?: boolean
  /** With `status` or `reset`: carries out the request first, so that the sender cannot know its outcome. @default false */
  store?: boolean
  /** Carries out the request, then waits before it sends the response headers. */
  slowHeadersMs?: number
  /** Sends the body in pieces over this time. */
  slowBodyMs?: number
  /** Announces a longer body than it sends, and cuts the connection. */
  truncate?: boolean
  /** Sends a body of this many bytes. */
  giantBytes?: number
}

/** A fault, and which requests it applies to: those that match every field of the rule. */
export interface FaultRule {
  fault: Fault
  method?: string
  /** Path and query, in which `*` matches any text: `/v1/events/*`. */
  url?: string
  /** A text that the body contains, such as a user id. */
  bodyIncludes?: string
  /** Number of matching requests that pass before the first one fails. @default 0 */
  skip?: number
  /** Number of requests that fail; later ones pass. @default no limit */
  times?: number
  /** Share of the remaining requests that fail, drawn from the emulator's `seed`. @default 1 */
  probability?: number
}

interface KnownFaultRule extends FaultRule {
  id: number
  /** Number of requests that matched the rule, and how many of these failed. */
  matched: number
  broken: number
}

export interface FaultRules {
  /** Returns the id of the rule. @throws {PxError} 400 for an invalid rule */
  add(rule: FaultRule): number
  /** Returns whether the rule existed. */
  remove(id: number): boolean
  clear(): void
  list(): readonly Readonly<KnownFaultRule>[]
  /** Returns the fault of the first rule that applies to this request. */
  pick(request: ReceivedRequest): Fault | undefined
}

const numbers = ['delayMs', 'status', 'slowHeadersMs', 'slowBodyMs', 'giantBytes'] as const
const flags = ['reset', 'store', 'truncate'] as const
const known: ReadonlySet<string> = new Set([...numbers, ...flags, 'body', 'headers'])

export function createFaultRules(seed: number): FaultRules {
  let rules: KnownFaultRule[] = []
  let nextId = 1
  let random = createRandom(seed)
  return {
    add(rule) {
      checkRule(rule)
      const id = nextId++
      rules.push({ ...rule, id, matched: 0, broken: 0 })
      return id
    },
    remove(id) {
      const before = rules.length
      rules = rules.filter((rule) => rule.id !== id)
      return rules.length < before
    },
    clear() {
      rules = []
      random = createRandom(seed)
    },
    list: () => rules,
    pick(request) {
      for (const rule of rules) {
        if (!matches(rule, request)) continue
        rule.matched += 1
        if (rule.matched <= (rule.skip ?? 0) || rule.broken >= (rule.times ?? Infinity)) continue
        if (rule.probability !== undefined && random() >= rule.probability) continue
        rule.broken += 1
        return rule.fault
      }
      return undefined
    },
  }
}

function matches({ method, url, bodyIncludes }: FaultRule, request: ReceivedRequest): boolean {
  if (method !== undefined && method.toUpperCase() !== request.method) return false
  if (bodyIncludes !== undefined && !request.body.includes(bodyIncludes)) return false
  if (url === undefined) return true
  return textPattern(url, false)(request.url)
}

/** @throws {PxError} 400 */
function checkRule(rule: FaultRule): void {
  const refuse = (what: string): never => {
    throw new PxError(400, `${what}: ${JSON.stringify(rule)}`)
  }
  const { fault, probability } = rule
  if (typeof fault !== 'object' || fault === null) refuse('A rule needs a fault')
  for (const name of ['method', 'url', 'bodyIncludes'] as const) {
    if (!['string', 'undefined'].includes(typeof rule[name])) refuse(`${name} must be a text`)
  }
  for (const name of ['skip', 'times'] as const) {
    if (rule[name] !== undefined && !(Number(rule[name]) >= 0)) refuse(`${name} must be a number`)
  }
  if (rule.url !== undefined) textPattern(rule.url, false)
  for (const [name, value] of Object.entries(fault)) {
    if (!known.has(name)) refuse(`No fault ${JSON.stringify(name)}, but ${[...known].join(', ')}`)
    if ((numbers as readonly string[]).includes(name) && !(typeof value === 'number' && value >= 0)) {
      refuse(`${name} must be a number`)
    }
  }
  const { status, body, headers } = fault
  if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
    refuse('status must be between 200 and 599')
  }
  if (!['string', 'undefined'].includes(typeof body)) refuse('body must be a text')
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!isHeader(name, value)) refuse(`${name} is not a header`)
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) {
    refuse('probability must be between 0 and 1')
  }
}

function isHeader(name: string, value: unknown): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value as string)
    return typeof value === 'string'
  } catch {
    return false
  }
}

/** Returns a generator of numbers from 0 to 1 that repeats for the same seed (a 32-bit xorshift). */
function createRandom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
