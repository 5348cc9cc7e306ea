import { createHmac } from 'node:crypto'
import { pxUsage } from '@px-usage/express'

const pseudonym = (id: string) => createHmac('sha256', secret).update(id).digest('hex')
const usage = pxUsage({
  identify: (req) => req.user && { userId: pseudonym(req.user.id), accountId: req.user.orgId },
})

// ---
const secret = 'a key of the app'

export const { meter } = usage
