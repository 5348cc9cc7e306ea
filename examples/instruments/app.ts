import type { Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express from 'express'

/** Number of rows in each exported report. */
const rowsPerReport = 250

/** Creates an API that also reports exported rows, seats in use, storage per account, and each export at once. */
export function createApp(meter: Meter) {
  const exported = meter.counter('dailyExports', { property: 'rows' })
  const seats = meter.gauge('dailySeats', { property: 'seats' })
  const seatsInUse = new Map<string, Set<string>>()
  const storage = new Map<string, number>()

  // Called once for each day, when the day is over. A real API would read from a database.
  meter.observableGauge('dailyStorage', { property: 'gigabytes', timeoutMs: 10_000 }, async (observe) => {
    for (const [account, gigabytes] of storage) {
      observe({ userId: `admin of ${account}`, accountId: account }, gigabytes)
    }
  })

  const app = express()
  app.use(pxUsage({ meter, identify: callerOf }))

  app.post('/v1/reports/:id/export', (req, res) => {
    const caller = callerOf(req)
    exported.add(caller, rowsPerReport, { format: 'csv' })
    meter.track('reportExported', caller, { report: req.params.id, format: 'csv' })
    storage.set(caller.accountId, (storage.get(caller.accountId) ?? 0) + 0.5)
    res.json({ rows: rowsPerReport })
  })

  app.post('/v1/login', (req, res) => {
    const { userId, accountId } = callerOf(req)
    const users = seatsInUse.get(accountId) ?? new Set()
    seatsInUse.set(accountId, users.add(userId))
    seats.record({ userId: `admin of ${accountId}`, accountId }, users.size)
    res.status(204).end()
  })
  return app
}

/** Reads the ids of the caller from headers. A real API would read them from a session. */
function callerOf(req: express.Request) {
  return { userId: req.get('x-user') ?? 'guest', accountId: req.get('x-account') ?? 'none' }
}
