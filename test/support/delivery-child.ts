import { setTimeout } from 'node:timers/promises'
import { fileStore } from '@px-usage/core'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createPxDelivery } from '../../packages/core/src/delivery/create-px-delivery.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'

/** Sends what waits in the folder given, until there is nothing left or it is killed. */
const [dir, baseUrl, lookUp, maxRequestsPerSecond] = process.argv.slice(2) as [string, string, string, string]
const diagnostics = createDiagnostics((error) => process.stderr.write(`${error.message}\n`))
const store = fileStore({ dir })
for (let isOpen = false; !isOpen; ) {
  // The folder may still belong to the one that was killed.
  isOpen = await store.open({ clock: systemClock, diagnostics, timeZone: 'UTC' }).then(
    () => true,
    () => setTimeout(50, false),
  )
}
const delivery = createPxDelivery(
  {
    baseUrl,
    apiKey: () => 'key',
    dispatcher: undefined,
    requestTimeoutMs: 200,
    delivery: undefined,
    dryRun: false,
    maxRequestsPerSecond: Number(maxRequestsPerSecond),
    maxRequestsPerDay: 10_000_000,
    startJitterMs: 0,
    lookUp: lookUp === 'true',
    lookUpAfterMs: 500,
    clock: systemClock,
  },
  { store, diagnostics, confirmClock: () => {} },
)
process.stdout.write('ready\n')
await delivery.run()
for (;;) {
  const { pending, unconfirmed } = store.outboxCounts()
  if (pending + unconfirmed === 0) break
  await setTimeout(50)
  // Lines that were claimed by the one that was killed fall due by and by.
  delivery.wake()
}
await delivery.stop()
process.stdout.write(`done ${JSON.stringify({ ...store.outboxCounts(), ...delivery.state() })}\n`)
await store.close()
await delivery.abort()
