import { type Clock, systemClock } from '../clock.ts'
import { callback, count, invalid, refuseUnknown } from '../model/check-options.ts'
import { type Identify, IdentifyFailure, isNoIdentity, type NoIdentity } from './identify.ts'
import { createIdentityCache, type Lookup } from './identity-cache.ts'

export interface IdentifyByOptions<Source> {
  /** The text in a request that tells who calls, such as its API key; nothing for an anonymous call. */
  credential(source: Source): string | NoIdentity
  /** Names the owner of a credential, at once or as a promise; nothing if it has none. Never asked twice at a time. */
  lookup: Lookup
  /** How many credentials are remembered, and how many are looked up at the same time. @default 10_000 */
  max?: number | undefined
  /** How long an owner is taken without asking, in ms. After that he is taken until the next answer comes. @default 300_000 */
  ttlMs?: number | undefined
  /** How long it is remembered that a credential has no owner, or that its lookup failed, in ms. @default 10_000 */
  negativeTtlMs?: number | undefined
  /** How long an answer is awaited, in ms; a meter does so for its `graceMs` at most. @default 1_000 */
  timeoutMs?: number | undefined
  /** Where time comes from: in tests the clock of the meter. @default the system's */
  clock?: Clock | undefined
}

const defaults = { max: 10_000, ttlMs: 300_000, negativeTtlMs: 10_000, timeoutMs: 1_000 }
const names = ['credential', 'lookup', 'clock', ...Object.keys(defaults)]
/** The cache takes its room at once. */
const mostRemembered = 1_000_000

/**
 * An `identify` for owners that have to be looked up: `identifyBy({ credential: (req) => req.get('x-api-key'), lookup })`.
 *
 * Each credential is looked up once in `ttlMs`. Calls that come before the answer are held, and counted into the day in
 * which they finished: all of them for the owner, or all as unattributed. An owner that was known stays known while lookups
 * fail. Credentials are kept as a digest, and in clear only while they are looked up.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an option that cannot be used
 */
export function identifyBy<Source>(options: IdentifyByOptions<Source>): Identify<Source> {
  refuseUnknown(options, names)
  const { credential, lookup, clock = systemClock } = options
  if (callback('credential', credential) === undefined) throw missing('credential')
  if (callback('lookup', lookup) === undefined) throw missing('lookup')
  const whole = (name: keyof typeof defaults) => count(name, options[name], 1) ?? defaults[name]
  const max = whole('max')
  if (max > mostRemembered) throw invalid('max', max, `Give a whole number of at most ${mostRemembered}.`)
  const cache = createIdentityCache({
    lookup,
    max,
    ttlMs: whole('ttlMs'),
    negativeTtlMs: whole('negativeTtlMs'),
    timeoutMs: whole('timeoutMs'),
    clock,
  })
  const identify = (source: Source) => {
    const given: unknown = credential(source)
    if (isNoIdentity(given)) return undefined
    // A text with half a character is sent by nobody; its digest would be that of another one.
    if (typeof given === 'string' && given.isWellFormed()) return cache.ownerOf(given)
    if (given instanceof Promise) given.catch(() => {})
    return new IdentifyFailure('invalid')
  }
  // A failure among the answers is understood by the meter.
  return identify as Identify<Source>
}

function missing(name: string) {
  return invalid(
    name,
    undefined,
    "Give a function: identifyBy({ credential: (req) => req.get('x-api-key'), lookup: (key) => ownerOf(key) }).",
  )
}
