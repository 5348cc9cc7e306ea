// For plain node:http servers
export {
  codes,
  createMeter,
  fileStore,
  identifyBy,
  memoryStore,
  UsageError,
  webhookDelivery,
} from '@px-usage/core'
export type * from '@px-usage/core'
export { graphqlOperation } from './endpoints/graphql-operation.ts'
export { type NamedRequest, type OpenApiDocument, openapiOperation } from './endpoints/openapi-operation.ts'
export { pxUsage, type UsageListener } from './usage-listener.ts'

// For authors of adapters
export { type CallOptions, type CallSettings, parseUsageOptions, type UsageOptions } from './call-options.ts'
export { createSlot, type PrivateSlot, plainProperty } from './foreign-fields.ts'
export { guarded } from './guard.ts'
export { hasNoNext } from './last-parameter.ts'
export type { IsIgnored } from './ignore-patterns.ts'
export { observeCall } from './observe-call.ts'
export type { CallReader, Observer } from './observer.ts'
export { noteContext } from './completion/when-finished.ts'
