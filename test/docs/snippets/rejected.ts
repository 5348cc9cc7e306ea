import { pxUsage } from '@px-usage/express'

const usage = pxUsage({ identify })
for await (const { eventName, userId, day, calls, body, reason, rejectedAtMs } of usage.meter.rejected()) {
  console.log(new Date(rejectedAtMs ?? 0), eventName, userId, day, calls, reason, body) // reason: PX's reply
}

// ---
function identify() {
  return { userId: 'ann' }
}

export const { meter } = usage
