import { pxUsage } from '@px-usage/express'
import express from 'express'

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId }, // identifyUser, identifyCompany
  ignore: (req) => req.path === '/healthz', // skip
  properties: (req) => ({ apiVersion: req.get('x-api-version') ?? '1' }), // getMetadata
})
app.use(usage) // was: app.use(moesif({ applicationId, ... }))

// ---
export const { meter } = usage
