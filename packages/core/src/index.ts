// The meter
export type { Clock } from './clock.ts'
export type { Rollup } from './day/rollup.ts'
export { createMeter } from './meter/create-meter.ts'
export type { CallsAndLines, CloseReport, Meter, MeterMetric, MeterStats } from './meter/meter.ts'
export type {
  AttributeOptions,
  RunningAttributeOptions,
  ZeroFillOptions,
} from './options/parse-day-options.ts'
export type { MeterOptions } from './options/parse-options.ts'
export type { SeriesLimits } from './counting/overflow.ts'
export type { CallCallback } from './attribution/report-failures.ts'
export type { FinishedCall } from './attribution/finished-call.ts'

// PX
export type { SendLine } from './delivery/send-batch.ts'
export type { DeliveryResult } from './px/delivery-result.ts'
export type { LineContents, RejectedEvent } from './px/line-contents.ts'
export type { Region } from './px/px-address.ts'
export type { Dispatcher } from './px/px-client.ts'
export type { BatchConnection, BatchDelivery } from './webhook/batch-delivery.ts'
export { type WebhookBody, type WebhookOptions, webhookDelivery } from './webhook/webhook-delivery.ts'
export type { PxEvent } from './px/px-event.ts'

// The parts of `stats()`
export type { AttributeStats } from './attributes/put-attributes.ts'
export type { AttributionStats } from './attribution/attribute-call.ts'
export type { Fold, Folded } from './counting/overflow.ts'
export type { DeliveryState } from './delivery/create-px-delivery.ts'
export type { SenderState } from './delivery/sender-health.ts'
export type { LastError, LastReply } from './delivery/sender-health.ts'
export type { ReadingStats } from './instruments/counter-and-gauge.ts'
export type { CollectStats } from './instruments/observable-gauge.ts'
export type { TrackStats } from './instruments/track.ts'

// Instruments
export type { Counter, Gauge, GivenProperties, InstrumentOptions } from './instruments/counter-and-gauge.ts'
export type {
  ObservableGauge,
  ObservableGaugeOptions,
  Observe,
  ObserveAll,
} from './instruments/observable-gauge.ts'

// Attribution
export type {
  Identify,
  IdentifyResult,
  IdentifyFailure,
  NoIdentity,
  UnattributedReason,
} from './attribution/identify.ts'
export { type IdentifyByOptions, identifyBy } from './attribution/identify-by.ts'
export type { IdentityInput } from './attribution/identity.ts'
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
export type { Diagnostics, Happening, ReportOptions } from './diagnostics.ts'
export { codes, type Failure, UsageError, type UsageErrorCode } from './errors.ts'
