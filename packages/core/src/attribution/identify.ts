import type { IdentityInput } from './identity.ts'

/** Why a call has no identity. `anonymous` means that the app returned no user; every other reason is a fault. */
export type UnattributedReason = 'anonymous' | 'invalid' | 'threw' | 'rejected' | 'timedOut' | 'overloaded'

/** What an app returns for an anonymous call, which appears in no user's totals. */
export type NoIdentity = null | undefined | false | '' | 0 | 0n

/** The app's callback that returns the identity of a request's caller. It runs after the response has finished. */
export type Identify<Source> = (
  source: Source,
) => IdentityInput | NoIdentity | PromiseLike<IdentityInput | NoIdentity | undefined>

/** What `identify` returned, or why it returned nothing usable. */
export type IdentifyResult = ReturnType<Identify<unknown>> | IdentifyFailure

const brand: unique symbol = Symbol.for('@px-usage/core.IdentifyFailure') as never

/** Represents an identity that could not be found. The brand makes `instanceof` work across two installed copies. */
export class IdentifyFailure {
  readonly reason: Exclude<UnattributedReason, 'anonymous'>
  readonly error: unknown
  /** What is wrong with an invalid result, as `identityFault` describes it. */
  readonly fault: string | undefined

  constructor(reason: Exclude<UnattributedReason, 'anonymous'>, error?: unknown, fault?: string) {
    this.reason = reason
    this.error = error
    this.fault = fault
  }

  get [brand](): true {
    return true
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** Runs the app's `identify`. Never throws: it returns an `IdentifyFailure` if the callback does. */
export function callIdentify<Source>(identify: Identify<Source>, source: Source): IdentifyResult {
  try {
    return identify(source)
  } catch (error) {
    return new IdentifyFailure('threw', error)
  }
}

/** Accepts every falsy value: `user?.id && { userId: user.id }` returns the id itself if it is 0, 0n, NaN or empty. */
export function isNoIdentity(result: unknown): result is NoIdentity {
  return !result
}

/** Returns whether a value is a promise or any other object with a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayHaveThen = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return mayHaveThen && typeof (value as { then?: unknown }).then === 'function'
}
