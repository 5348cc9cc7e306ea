import { Counter, Gauge, type MetricConfiguration, register } from 'prom-client'
import type { Meter, MeterMetric } from './meter/meter.ts'

/** A registry of prom-client, for the text format of Prometheus or of OpenMetrics. */
type AnyRegistry = NonNullable<MetricConfiguration<string>['registers']>[number]

/**
 * Adds the metrics of a meter to a registry of prom-client. They are read in one step, so the identities of docs/metrics.md hold in
 * every scrape.
 *
 * @param meter the meter of px-usage; two meters need two registries, because their metrics have the same names
 * @param registry the registry @default the global one of prom-client
 * @returns a function that removes the metrics
 * @throws {Error} if the registry has metrics of these names
 */
export function collectMetrics(meter: Pick<Meter, 'metrics'>, registry: AnyRegistry = register): () => void {
  let current: MeterMetric[] | undefined

  /** prom-client reads all metrics one after the other before it does anything else, so one reading serves them all. */
  function valueAt(at: number): number {
    if (current === undefined) {
      current = meter.metrics()
      queueMicrotask(() => {
        current = undefined
      })
    }
    return current[at]?.value ?? 0
  }

  const names = meter.metrics().map(({ name, kind, help }, at) => {
    const settings = { name: prometheusName(name, kind), help, registers: [registry] }
    if (kind === 'gauge') {
      new Gauge({
        ...settings,
        collect() {
          this.set(valueAt(at))
        },
      })
    } else {
      new Counter({
        ...settings,
        collect() {
          this.reset()
          this.inc(valueAt(at))
        },
      })
    }
    return settings.name
  })
  return () => {
    for (const name of names) registry.removeSingleMetric(name)
  }
}

/** Returns the name that an exporter of OpenTelemetry gives to a metric in Prometheus. */
function prometheusName(name: string, kind: MeterMetric['kind']): string {
  return `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`
}
