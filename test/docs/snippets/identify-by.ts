import { identifyBy, pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify: identifyBy({
    credential: (req) => req.get('x-api-key'),
    lookup: async (key, { signal }) => database.userOf(key, { signal }), // { userId, accountId? }, or nothing
  }),
})

// --- the app and its database
import express from 'express'

const database = {
  async userOf(key: string, { signal }: { signal: AbortSignal }) {
    signal.throwIfAborted()
    return key === 'key of ann' ? { userId: 'ann' } : undefined
  },
}
const app = express()
app.use(usage)
app.get('/hello', (_req, res) => void res.send('hello'))

export const listener = app
export const { meter } = usage
