import { pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify,
  endpoint: (req) => (req.originalUrl.startsWith('/files/') ? '/files/*' : undefined),
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
