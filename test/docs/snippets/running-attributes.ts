import { pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify,
  attributes: { running: { everyMs: 600_000, user: { apiCalls: 'callsToday' } } },
})

// ---
function identify() {
  return { userId: 'ann' }
}

export const { meter } = usage
