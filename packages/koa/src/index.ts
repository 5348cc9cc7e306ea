export { pxUsage, type UsageMiddleware } from './usage-middleware.ts'
export {
  type CallOptions,
  graphqlOperation,
  type NamedRequest,
  type OpenApiDocument,
  openapiOperation,
  type UsageOptions,
} from '@px-usage/http'

// Everything else that an app needs
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
