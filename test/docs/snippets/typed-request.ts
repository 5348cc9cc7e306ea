import { pxUsage } from '@px-usage/express'
import type { Request } from 'express'

interface AppRequest extends Request {
  session?: { userId: string; orgId: string }
}

const usage = pxUsage({
  identify: ({ session }: AppRequest) => session && { userId: session.userId, accountId: session.orgId },
})

// ---
export const { meter } = usage
