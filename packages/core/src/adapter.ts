// What the adapter of a framework, or a store outside core, needs in addition to the meter. Apps do not need it.
export { callIdentify } from './attribution/identify.ts'
export { invalid, notOptions } from './model/check-options.ts'
export { type Env, isEnabled } from './options/environment.ts'
export { maxTextLength } from './px-limits.ts'

// What a store outside core needs
export { settlesWithin, systemClock } from './clock.ts'
export { mergeValues } from './counting/instruments.ts'
export { quoted, storeError } from './errors.ts'
export { realDisk } from './files/disk.ts'
export { diskError } from './files/disk-error.ts'
export { newJournalId } from './journal/journal-files.ts'
export { openShippingFolder } from './journal/shipping-folder.ts'
export { refuseUnknown } from './model/check-options.ts'
export { claimMs, mostKnownPuts, refuseTwice } from './outbox/line-states.ts'
export { ownerState, showAlive, sweepSockets, thisHost } from './stores/liveness.ts'
export { mayAdopt, type NamespaceName, namespaceName } from './stores/namespace-folder.ts'
export { prepareShippingRoot } from './stores/prepare-root.ts'
export { createSilence } from './stores/silence.ts'

// What a tool needs that reads the store of a service
export { createUsageDays, type DayBounds, type UsageDays } from './day/usage-day.ts'
export { type CalledEndpoint, type DaySummary, summarizeDay } from './day/day-summary.ts'
export { readRequestsToday } from './delivery/daily-budget.ts'
export { previewEvents } from './meter/preview-events.ts'
export { type ProcessReport, readProcesses } from './meter/process-note.ts'
export { contentsOf } from './px/line-contents.ts'
export { changeRejected } from './stores/operator/change-rejected.ts'
export { readFolder } from './stores/reading/read-folder.ts'

// What a command needs that counts past days from logs
export { stableIdentity } from './attribution/identity.ts'
export { readWithdrawn, withdrawBackfill } from './delivery/withdrawn.ts'
export { createNote, type Note, readNote } from './files/note.ts'
export { backfillOf } from './px/px-event.ts'
export type { Scratch, ScratchPlace } from './meter/parked-totals.ts'
export { createPastDays, type PastDayLines, type PastDays, type PastDaysOptions } from './meter/past-days.ts'

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
export type { codes, Failure, UsageError, UsageErrorCode } from './errors.ts'
export type { Diagnostics, Happening, ReportOptions } from './diagnostics.ts'
export type { Disk } from './files/disk.ts'
export type { ShippingFolder, ShippingFolderSettings } from './journal/shipping-folder.ts'
export type {
  DaySlice,
  MakeShipment,
  ShippedJournal,
  Shipment,
} from './journal/shipments.ts'
export type { JournalWriterId } from './journal/shipment-files.ts'
export type { LivenessMark, Owner, OwnerSettings, OwnerState } from './stores/liveness.ts'
export type { Silence } from './stores/silence.ts'
export type { Endpoint } from './model/endpoint.ts'
export type { Identity } from './model/identity.ts'
export type { OutboxLine, RejectedCommand, RejectedLine } from './model/outbox-line.ts'
export type {
  CountBatch,
  Instrument,
  Properties,
  PropertyValue,
  Series,
  SeriesTotal,
  UsageDay,
} from './model/series.ts'
export type { Namespace } from './model/store.ts'
export type * from './model/store-reader.ts'

// What the command-line tool needs to read from PX and to judge a folder
export { isKeyRefused, type PxResponse, reasonOf, resultOf } from './px/delivery-result.ts'
export { type Listing, listEvents, type SeenEvents } from './px/list-events.ts'
export { parseBaseUrl, regionUrl } from './px/px-address.ts'
export { createPxClient, type PxClient, type PxClientSettings, type PxRequest } from './px/px-client.ts'
export { isFilterable, rollupIdOf, type TrackedEvent, trackedLine, userIdOf } from './px/px-event.ts'
export { type FolderLifetime, lifetimeOf, type Mount, mountOf } from './stores/folder-lifetime.ts'

// The types that these types are made of
export type { AttributeStats } from './attributes/put-attributes.ts'
export type { AttributionStats } from './attribution/attribute-call.ts'
export type { FinishedCall } from './attribution/finished-call.ts'
export type { Fold, Folded, SeriesLimits } from './counting/overflow.ts'
export type { Rollup } from './day/rollup.ts'
export type { DeliveryState } from './delivery/create-px-delivery.ts'
export type { SendLine } from './delivery/send-batch.ts'
export type { LastError, LastReply, SenderState } from './delivery/sender-health.ts'
export type { Notes } from './files/note.ts'
export type { ReadingStats } from './instruments/counter-and-gauge.ts'
export type { CollectStats } from './instruments/observable-gauge.ts'
export type { TrackStats } from './instruments/track.ts'
export type { MeterStats } from './meter/meter.ts'
export type { PreviewSettings } from './meter/preview-events.ts'
export type { ReportedSettings } from './meter/process-note.ts'
export type { Claim, ClaimedLine, OutboxCounts, Settlement, WaitingLine } from './model/outbox-line.ts'
export type { DayClose, LeftoverDays, MakeLines, Store, StoreContext } from './model/store.ts'
export type {
  AttributeOptions,
  RunningAttributeOptions,
  ZeroFillOptions,
} from './options/parse-day-options.ts'
export type { MeterOptions } from './options/parse-options.ts'
export type { DeliveryResult } from './px/delivery-result.ts'
export type { LineContents } from './px/line-contents.ts'
export type { Region } from './px/px-address.ts'
export type { Dispatcher } from './px/px-client.ts'
export type { PxEvent } from './px/px-event.ts'
export type { BatchConnection, BatchDelivery } from './webhook/batch-delivery.ts'
