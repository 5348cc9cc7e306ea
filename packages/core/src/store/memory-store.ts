import { stateStore } from './state-store.ts'
import type { Store } from './store.ts'
import { createUsageState } from './usage-state.ts'

/**
 * Keeps everything in this process. Nothing outlives it, so `close()` of the meter closes the open day and sends it;
 * a crash loses what was not sent.
 */
export function memoryStore(): Store {
  const state = createUsageState()
  return stateStore({
    name: 'memory',
    durable: false,
    flushAfterMs: 1_000,
    open: async () => state,
    keep() {},
    applied() {},
    async close() {},
  })
}
