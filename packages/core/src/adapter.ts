// What the adapter of a framework, or a store outside core, needs in addition to the meter. Apps do not need it.
export { callIdentify } from './attribution/identify.ts'
export { invalid, notOptions } from './model/check-options.ts'
export { type Env, isEnabled } from './options/environment.ts'
export { maxTextLength } from './px-limits.ts'

// What a store outside core needs
export { settlesWithin, systemClock } from './clock.ts'
export { mergeValues } from './counting/instruments.ts'
export { quoted, storeError } from './errors.ts'
export { refuseUnknown } from './model/check-options.ts'
export { claimMs, mostKnownPuts, refuseTwice } from './outbox/line-states.ts'
export { mayAdopt, type NamespaceName, namespaceName } from './stores/namespace-folder.ts'

// What a tool needs that reads the store of a service
export { createUsageDays, type UsageDays } from './day/usage-day.ts'
export { type CalledEndpoint, type DaySummary, summarizeDay } from './day/day-summary.ts'
export { readRequestsToday } from './delivery/daily-budget.ts'
export { previewEvents } from './meter/preview-events.ts'
export { type ProcessReport, readProcesses } from './meter/process-note.ts'
export { readFolder } from './stores/reading/read-folder.ts'

// The types that these functions use
export type { IdentityInput } from './attribution/identity.ts'
export type {
  Identify,
  IdentifyResult,
  IdentifyFailure,
  NoIdentity,
  UnattributedReason,
} from './attribution/identify.ts'
export type { Clock } from './clock.ts'
export type { codes, UsageError, UsageErrorCode } from './errors.ts'
export type { Instrument } from './model/series.ts'
export type { Namespace } from './model/store.ts'
export type * from './model/store-reader.ts'
