import type { IdentityInput } from './identity.ts'

/** Why a call has no identity. `anonymous`: the app said so. All others are worth a look. */
export type UnattributedReason = 'anonymous' | 'invalid' | 'threw' | 'rejected' | 'timedOut' | 'overloaded'

/** What an app answers for a call that nobody is to be counted for. */
export type NoIdentity = null | undefined | false | '' | 0 | 0n

/** The app's callback that names the caller of a request. Asked once the response has finished. */
export type Identify<Source> = (
  source: Source,
) => IdentityInput | NoIdentity | PromiseLike<IdentityInput | NoIdentity | undefined>

/** What `identify` answered, or why it did not. */
export type IdentifyAnswer = ReturnType<Identify<unknown>> | IdentifyFailure

const brand: unique symbol = Symbol.for('@px-usage/core.IdentifyFailure') as never

/** Stands for an answer that never came. The brand makes `instanceof` hold across two installed copies. */
export class IdentifyFailure {
  readonly reason: Exclude<UnattributedReason, 'anonymous'>
  readonly error: unknown
  /** What is wrong with an invalid answer, as `identityFault` has it. */
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

/** Asks the app who called. Never throws: a throw becomes an answer of its own. */
export function callIdentify<Source>(identify: Identify<Source>, source: Source): IdentifyAnswer {
  try {
    return identify(source)
  } catch (error) {
    return new IdentifyFailure('threw', error)
  }
}

/** Whatever is falsy: `user?.id && { userId: user.id }` returns the id itself where it is 0, 0n, NaN or empty. */
export function isNoIdentity(answer: unknown): answer is NoIdentity {
  return !answer
}

export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  const mayHaveThen = typeof answer === 'function' || (typeof answer === 'object' && answer !== null)
  return mayHaveThen && typeof (answer as { then?: unknown }).then === 'function'
}
