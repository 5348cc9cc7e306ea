import { createMeter, type DeliveryResult, type Meter, memoryStore } from '@px-usage/core'

const results: readonly DeliveryResult[] = [
  { outcome: 'delivered' },
  { outcome: 'unconfirmed', reason: 'No reply.' },
  { outcome: 'delivered' },
  { outcome: 'rejected', reason: 'No such user.' },
  { outcome: 'delivered' },
]

/**
 * Starts a meter that counts calls, stores them and sends real-time events in each turn of the event loop, so that all numbers move
 * while they are read.
 */
export function meterUnderLoad(): { meter: Meter; stop(): Promise<void> } {
  let sent = 0
  const meter = createMeter({
    store: memoryStore(),
    startJitterMs: 0,
    async delivery() {
      sent += 1
      await new Promise((resolve) => setImmediate(resolve))
      return results[sent % results.length] as DeliveryResult
    },
    onError() {},
  })
  let isRunning = true
  let turns = 0
  function turn(): void {
    if (!isRunning) return
    turns += 1
    const identity = { userId: `user ${turns % 100}` }
    for (let call = 0; call < 20; call += 1) {
      meter.record({ identity, method: 'GET', route: '/', statusCode: 200, aborted: false })
    }
    if (turns % 3 === 0) meter.track('turned', identity)
    if (turns % 5 === 0) void meter.flush()
    setImmediate(turn)
  }
  turn()
  return {
    meter,
    async stop() {
      isRunning = false
      await meter.close({ timeoutMs: 0 })
    },
  }
}
