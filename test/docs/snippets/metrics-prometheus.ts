import { createMeter } from '@px-usage/core'
import { collectMetrics } from '@px-usage/core/prometheus'
import { register } from 'prom-client'

const meter = createMeter() // or the `meter` of pxUsage()
collectMetrics(meter, register)
console.log(await register.metrics()) // what GET /metrics returns

// ---
export const shown = /px_usage_calls_counted_total 0/
export { meter }
