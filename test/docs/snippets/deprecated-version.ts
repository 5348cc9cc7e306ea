import { pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify,
  measures: (req) => ({ deprecatedCalls: req.originalUrl.startsWith('/v1/') ? 1 : 0 }),
  attributes: { account: { deprecatedCalls: 'deprecatedApiCalls' } },
})

// --- the app
import express from 'express'

const app = express()
app.use(usage)
app.get('/hello', (_req, res) => void res.send('hello'))
function identify() {
  return { userId: 'ann', accountId: 'acme' }
}

export const listener = app
export const { meter } = usage
