import { createMeter } from '@px-usage/core'

const meter = createMeter({ delivery: async () => ({ outcome: 'delivered' }) })

// ---
export { meter }
