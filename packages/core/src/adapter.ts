// What the adapter of a framework needs in addition to the meter. Apps do not need it.
export { callIdentify } from './attribution/identify.ts'
export { invalid, notOptions } from './model/check-options.ts'
export { type Env, isEnabled } from './options/environment.ts'
export { maxTextLength } from './px-limits.ts'

// The types that these functions use
export type { IdentityInput } from './attribution/identity.ts'
export type {
  Identify,
  IdentifyResult,
  IdentifyFailure,
  NoIdentity,
  UnattributedReason,
} from './attribution/identify.ts'
export type { codes, UsageError, UsageErrorCode } from './errors.ts'
