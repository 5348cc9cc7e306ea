import { pxUsage } from '@px-usage/express'

const usage = pxUsage({ identify, zeroFill: { days: 7 } })

// ---
function identify() {
  return { userId: 'ann' }
}

export const { meter } = usage
