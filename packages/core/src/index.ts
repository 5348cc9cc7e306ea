// The meter
export type { Clock } from './clock.ts'
export type { Rollup } from './day/rollup.ts'
export type { RejectedEvent } from './px/line-contents.ts'
export type { PxEvent } from './px/px-event.ts'
export { createMeter } from './meter/create-meter.ts'
export type { CloseReport, Meter, MeterStats } from './meter/meter.ts'
export type { AttributeOptions, ZeroFillOptions } from './options/parse-day-options.ts'
export type { MeterOptions } from './options/parse-options.ts'

// Numbers of the app's own
export type { Counter, Gauge, GivenProperties, InstrumentOptions } from './instruments/counter-and-gauge.ts'
export type {
  ObservableGauge,
  ObservableGaugeOptions,
  Observe,
  ObserveAll,
} from './instruments/observable-gauge.ts'

// Who called
export type { Identify, IdentifyAnswer, UnattributedReason } from './attribution/identify.ts'
export { type IdentifyByOptions, identifyBy } from './attribution/identify-by.ts'
export type { GivenIdentity } from './attribution/identity.ts'
export type { Identity } from './model/identity.ts'
export type { Lookup } from './attribution/identity-cache.ts'

// Stores
export { type FileStoreOptions, fileStore } from './stores/file-store.ts'
export { memoryStore } from './stores/memory-store.ts'
export type { Endpoint } from './model/endpoint.ts'
export type * from './model/outbox-line.ts'
export type * from './model/series.ts'
export type * from './model/store.ts'

// Errors
export { codes, UsageError, type UsageErrorCode } from './errors.ts'

// For those who write an adapter
export { askIdentify } from './attribution/identify.ts'
export type { CallCallback } from './attribution/callback-failures.ts'
export type { FinishedCall } from './attribution/finished-call.ts'
export { isEnabled } from './options/environment.ts'
export { invalid, notOptions, refuseUnknown } from './model/check-options.ts'
