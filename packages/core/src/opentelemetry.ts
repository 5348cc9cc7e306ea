import type { Attributes, Meter as OpenTelemetryMeter } from '@opentelemetry/api'
import type { Meter } from './meter/meter.ts'

/**
 * Exports the metrics of a meter through OpenTelemetry, as observable counters and gauges. They are read in one step, so
 * the identities of docs/metrics.md hold in every export.
 *
 * @param meter the meter of px-usage
 * @param target the meter of OpenTelemetry: `metrics.getMeter('px-usage')` of `@opentelemetry/api`
 * @param attributes attributes of all numbers, which distinguish several meters of one process
 * @returns a function that ends it
 */
export function observeMetrics(
  meter: Pick<Meter, 'metrics'>,
  target: OpenTelemetryMeter,
  attributes: Attributes = {},
): () => void {
  const instruments = meter.metrics().map(({ name, kind, unit, help: description }) => {
    const options = { unit, description }
    return kind === 'counter'
      ? target.createObservableCounter(name, options)
      : target.createObservableGauge(name, options)
  })
  const observe: Parameters<OpenTelemetryMeter['addBatchObservableCallback']>[0] = (result) => {
    for (const [at, { value }] of meter.metrics().entries()) {
      const instrument = instruments[at]
      if (instrument !== undefined) result.observe(instrument, value, attributes)
    }
  }
  target.addBatchObservableCallback(observe, instruments)
  return () => target.removeBatchObservableCallback(observe, instruments)
}
