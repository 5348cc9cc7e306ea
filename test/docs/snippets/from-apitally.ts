import { pxUsage } from '@px-usage/express'
import express from 'express'

const app = express()
// Was: setConsumer(req, { identifier: req.user.id, group: req.user.orgId }) in a middleware
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
  ignore: ['OPTIONS *', 'GET /healthz', '(unmatched)'],
})
// Was: useApitally(app, { clientId, env })
app.use(usage)

// ---
export const { meter } = usage
