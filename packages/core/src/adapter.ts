// What an adapter for a framework needs beside the meter. Apps need none of it.
export { callIdentify } from './attribution/identify.ts'
export { invalid, notOptions } from './model/check-options.ts'
export { type Env, isEnabled } from './options/environment.ts'

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
