import { pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify,
  measures: (_req, res) => ({ rows: res.locals.rows, tokens: res.locals.tokens }),
  attributes: { account: { tokens: 'dailyTokens' } },
})

// --- the app
import express from 'express'

const app = express()
app.use(usage)
app.get('/hello', (_req, res) => {
  res.locals.rows = 7
  res.send('hello')
})
function identify() {
  return { userId: 'ann', accountId: 'acme' }
}

export const listener = app
export const { meter } = usage
