// The meter
export type { Clock } from './clock.ts'
export type { Rollup } from './day/rollup.ts'
export type { RejectedEvent } from './delivery/line-contents.ts'
export type { PxEvent } from './delivery/px-event.ts'
export { createMeter } from './meter.ts'
export type { CloseReport, Meter, MeterStats } from './meter-face.ts'
export type { AttributeOptions, ZeroFillOptions } from './closing-options.ts'
export type { MeterOptions } from './options.ts'

// Numbers of the app's own
export type { Counter, Gauge, GivenProperties, InstrumentOptions } from './counting/app-instruments.ts'
export type {
  ObservableGauge,
  ObservableGaugeOptions,
  Observe,
  ObserveAll,
} from './day/collect-gauges.ts'

// Who called
export type { Identify, IdentifyAnswer, UnattributedReason } from './attribution/identify.ts'
export { type IdentifyByOptions, identifyBy } from './attribution/identify-by.ts'
export type { GivenIdentity, Identity } from './attribution/identity.ts'
export type { Lookup } from './attribution/identity-cache.ts'

// Stores
export { type FileStoreOptions, fileStore } from './store/file-store.ts'
export { memoryStore } from './store/memory-store.ts'
export type * from './store/store.ts'

// Errors
export { codes, UsageError, type UsageErrorCode } from './errors.ts'

// For those who write an adapter
export { askIdentify } from './attribution/identify.ts'
export type { CallCallback } from './attribution/callback-failures.ts'
export type { FinishedCall } from './attribution/finished-call.ts'
export { isEnabled } from './environment.ts'
export { invalid, notOptions, refuseUnknown } from './option-checks.ts'
