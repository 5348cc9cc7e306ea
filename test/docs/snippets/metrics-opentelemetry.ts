import { metrics } from '@opentelemetry/api'
import { createMeter } from '@px-usage/core'
import { observeMetrics } from '@px-usage/core/opentelemetry'

const meter = createMeter() // or the `meter` of pxUsage()
observeMetrics(meter, metrics.getMeter('px-usage'), { service: 'shop' })

// ---
export { meter }
