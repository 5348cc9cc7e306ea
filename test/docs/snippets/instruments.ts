import { pxUsage } from '@px-usage/express'

const { meter } = pxUsage({ identify })

const exported = meter.counter('dailyExports', { property: 'rows' })
exported.add({ userId: 'ann', accountId: 'acme' }, 250, { format: 'csv' })

const seats = meter.gauge('dailySeats', { property: 'seats' }) // PX receives the last value of the day
seats.record({ userId: 'ann', accountId: 'acme' }, 12)

meter.observableGauge('dailyStorage', { property: 'gigabytes' }, async (observe) => {
  for (const { userId, accountId, gigabytes } of await storageOfAllAccounts()) {
    observe({ userId, accountId }, gigabytes)
  }
})

meter.track('reportExported', { userId: 'ann', accountId: 'acme' }, { format: 'pdf' }) // sent now

// ---
function identify() {
  return { userId: 'ann' }
}

async function storageOfAllAccounts() {
  return [{ userId: 'ann', accountId: 'acme', gigabytes: 1.5 }]
}

console.log(await meter.preview())
export const shown = /rows: 250[\s\S]*seats: 12/
export { meter }
