export { fileStore, identifyBy, memoryStore, UsageError } from '@px-usage/core'
export { pxUsage, type UsageMiddleware } from './usage-middleware.ts'
