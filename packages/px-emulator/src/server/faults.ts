import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http'
import { PxError } from '../px-error.ts'
import { textPattern } from '../query/text-pattern.ts'

/** A request to `/v1` as it came in. */
export interface ReceivedRequest {
  method: string
  /** With its query, as received. */
  url: string
  headers: IncomingMessage['headers']
  body: string
  receivedMs: number
  /** The status it was answered with; `null` for a cut connection, `undefined` until then. */
  status?: number | null
}

/** What goes wrong with one request. */
export interface Fault {
  /** Waits before anything else. */
  delayMs?: number
  /** Answers this in place of the emulator. */
  status?: number
  body?: string
  headers?: Record<string, string>
  /** Cuts the connection without an answer. */
  reset?: boolean
  /** With `status` or `reset`: does what was asked all the same, so that the sender cannot know. @default false */
  store?: boolean
  /** Waits after doing what was asked, before the answer begins. */
  slowHeadersMs?: number
  /** Sends the body in pieces over this time. */
  slowBodyMs?: number
  /** Promises a longer body than it sends, and cuts the connection. */
  truncate?: boolean
  /** Sends so many bytes of body. */
  giantBytes?: number
}

/** A fault for some requests; those that match the whole rule. */
export interface FaultRule {
  fault: Fault
  method?: string
  /** Path and query; `*` stands for any text: `/v1/events/*`. */
  url?: string
  /** A text that the body holds, such as a user id. */
  bodyIncludes?: string
  /** Lets so many pass first. @default 0 */
  skip?: number
  /** Breaks so many, then rests. @default no limit */
  times?: number
  /** Breaks this share of those left, drawn from the emulator's `seed`. @default 1 */
  probability?: number
}

interface KnownFaultRule extends FaultRule {
  id: number
  /** Requests matched, and of these broken. */
  matched: number
  broken: number
}

export interface FaultRules {
  /** Answers the id of the rule. @throws {PxError} 400 for a rule that can never be meant */
  add(rule: FaultRule): number
  /** Answers whether there was such a rule. */
  remove(id: number): boolean
  clear(): void
  list(): readonly Readonly<KnownFaultRule>[]
  /** The fault of the first rule that breaks this request. */
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

/** Numbers from 0 to 1, the same for the same seed (a 32-bit xorshift). */
function createRandom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
