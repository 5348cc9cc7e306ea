import { pxUsage } from '@px-usage/express'
import type { Request } from 'express'

interface AppRequest extends Request {
  caller?: { userId: string; orgId: string }
}

const usage = pxUsage({
  identify: ({ caller }: AppRequest) => caller && { userId: caller.userId, accountId: caller.orgId },
})

// ---
export const { meter } = usage
