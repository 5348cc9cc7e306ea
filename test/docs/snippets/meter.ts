import { createMeter } from '@px-usage/core'

const meter = createMeter({ timeZone: 'Europe/Berlin' })
meter.record({
  identity: { userId: 'ann', accountId: 'acme' },
  method: 'GET',
  route: '/v1/users/:id',
  statusCode: 200,
  aborted: false,
})
console.log(await meter.preview()) // the events that PX receives when the day has closed
await meter.close()

// ---
export const shown = /"?apiCalls"?: 1/
