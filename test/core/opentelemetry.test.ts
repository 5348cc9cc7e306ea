import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { createMeter, type Meter, memoryStore } from '@px-usage/core'
import { observeMetrics } from '@px-usage/core/opentelemetry'
import { collectMetrics } from '@px-usage/core/prometheus'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { meterUnderLoad } from '../support/meter-under-load.ts'
import { expectIdentities, scrapedNumbers } from '../support/scraped-numbers.ts'

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

function setUp() {
  const reader = new Reader()
  const provider = new MeterProvider({ readers: [reader] })
  const scrape = async () => {
    const { resourceMetrics, errors } = await reader.collect()
    expect(errors).toEqual([])
    return { resourceMetrics, text: new PrometheusSerializer().serialize(resourceMetrics) }
  }
  return { target: provider.getMeter('px-usage'), scrape, close: () => provider.shutdown() }
}

function silentMeter(): Meter {
  return createMeter({ dryRun: true, store: memoryStore() })
}

describe('observeMetrics()', () => {
  it('exports every metric with its unit and description, and with attributes', async () => {
    const meter = silentMeter()
    const { target, scrape, close } = setUp()
    observeMetrics(meter, target, { product: 'shop' })
    const { resourceMetrics } = await scrape()
    const exported = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    expect(
      exported.map(({ descriptor: { name, unit, description } }) => ({ name, unit, description })),
    ).toEqual(meter.metrics().map(({ name, unit, help }) => ({ name, unit, description: help })))
    for (const { dataPoints } of exported) {
      expect(dataPoints).toMatchObject([{ value: 0, attributes: { product: 'shop' } }])
    }
    await close()
    await meter.close()
  })

  it('has the names and types of prom-client in Prometheus, so that the alerts fit both', async () => {
    const meter = silentMeter()
    const { target, scrape, close } = setUp()
    observeMetrics(meter, target)
    const registry = new Registry()
    collectMetrics(meter, registry)
    const types = (text: string) => text.split('\n').filter((line) => line.startsWith('# TYPE px_usage'))
    const { text } = await scrape()
    expect(types(text)).toHaveLength(meter.metrics().length)
    expect(types(text)).toEqual(types(await registry.metrics()))
    await close()
    await meter.close()
  })

  it('keeps both identities in every export under load', async () => {
    const { meter, stop } = meterUnderLoad()
    const { target, scrape, close } = setUp()
    observeMetrics(meter, target)
    const counted = new Set<number | undefined>()
    for (let times = 0; times < 60; times += 1) {
      const numbers = scrapedNumbers((await scrape()).text)
      expectIdentities(numbers)
      counted.add(numbers.px_usage_calls_counted_total)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(counted.size).toBeGreaterThan(10)
    await close()
    await stop()
  })

  it('distinguishes two meters of one process by their attributes, and ends on request', async () => {
    const meters = [silentMeter(), silentMeter()]
    const { target, scrape, close } = setUp()
    const ends = meters.map((meter, at) => observeMetrics(meter, target, { product: `product ${at}` }))
    const linesOf = async () =>
      (await scrape()).text.split('\n').filter((line) => line.startsWith('px_usage_lines_closed{'))
    const both = await linesOf()
    expect(both).toHaveLength(2)
    expect(both.join()).toMatch(/product="product 0".*product="product 1"/)
    ends[0]?.()
    expect((await linesOf()).join()).toContain('product 1')
    await close()
    for (const meter of meters) await meter.close()
  })
})
