import { type Clock, systemClock } from '../clock.ts'
import { callback, count, invalid, refuseUnknown } from '../model/check-options.ts'
import { type Identify, IdentifyFailure, isNoIdentity, type NoIdentity } from './identify.ts'
import { createIdentityCache, type Lookup } from './identity-cache.ts'

export interface IdentifyByOptions<Source> {
  /** Returns the text that identifies the caller, such as an API key; nothing for an anonymous call. */
  credential(source: Source): string | NoIdentity
  /**
   * Returns the identity of a credential, or a promise of it; nothing if it belongs to no user. It runs once at a time for each
   * credential.
   */
  lookup: Lookup
  /** Limit of remembered credentials, and of lookups at the same time. @default 10_000 */
  max?: number | undefined
  /** How long an identity is used without a new lookup, in ms. After that it is used until the lookup resolves. @default 300_000 */
  ttlMs?: number | undefined
  /** How long px-usage remembers a credential without a user or a failed lookup, in ms. @default 10_000 */
  negativeTtlMs?: number | undefined
  /** How long a call waits for a lookup, in ms; never longer than the meter's `graceMs`. @default 1_000 */
  timeoutMs?: number | undefined
  /** The clock; tests pass the clock of the meter. @default the system's */
  clock?: Clock | undefined
}

const defaults = { max: 10_000, ttlMs: 300_000, negativeTtlMs: 10_000, timeoutMs: 1_000 }
const names = ['credential', 'lookup', 'clock', ...Object.keys(defaults)]
/** The cache allocates its memory at once. */
const mostRemembered = 1_000_000

/**
 * Creates an `identify` that looks users up by a credential: `identifyBy({ credential: (req) => req.get('x-api-key'), lookup })`.
 *
 * - Each credential is looked up once in `ttlMs`. An identity that was found stays in use while later lookups fail.
 * - Calls that finish during a lookup wait for it, and count into the day in which they finished: all of them for the user,
 *   or all as unattributed.
 * - Credentials are stored as digests, and in clear only during their lookup.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an invalid option
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
    // A text with a lone surrogate comes from no client, and its digest would be that of another text.
    if (typeof given === 'string' && given.isWellFormed()) return cache.identityOf(given)
    if (given instanceof Promise) given.catch(() => {})
    return new IdentifyFailure('invalid')
  }
  // The public type does not show it, but a meter accepts an `IdentifyFailure` in place of an identity.
  return identify as Identify<Source>
}

function missing(name: string) {
  return invalid(
    name,
    undefined,
    "Give a function: identifyBy({ credential: (req) => req.get('x-api-key'), lookup: (key) => findUser(key) }).",
  )
}
