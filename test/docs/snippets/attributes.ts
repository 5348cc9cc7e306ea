import { pxUsage } from '@px-usage/express'

const usage = pxUsage({
  identify,
  attributes: {
    user: { apiCalls: 'dailyApiCalls' },
    account: { apiCalls: 'dailyApiCalls', gigabytes: 'storageGigabytes' },
  },
})

// ---
function identify() {
  return { userId: 'ann' }
}

export const { meter } = usage
