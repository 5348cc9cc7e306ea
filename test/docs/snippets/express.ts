import { pxUsage } from '@px-usage/express'
import express from 'express'

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
  onError: (error) => console.error(error.message),
})
app.use(usage)

// --- what any app has: an authentication and a route
declare global {
  namespace Express {
    interface User {
      id: string
      orgId: string
    }
    interface Request {
      user?: User | undefined
    }
  }
}
app.use((req, _res, next) => {
  req.user = { id: 'ann', orgId: 'acme' }
  next()
})
app.get('/hello', (_req, res) => void res.send('hello'))

export const listener = app
export const { meter } = usage
