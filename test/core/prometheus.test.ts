import { createMeter, memoryStore } from '@px-usage/core'
import { collectMetrics } from '@px-usage/core/prometheus'
import { Registry, type RegistryContentType } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { meterUnderLoad } from '../support/meter-under-load.ts'
import { expectIdentities, scrapedNumbers } from '../support/scraped-numbers.ts'

describe('collectMetrics()', () => {
  it('adds every metric of the meter with its help and type, under the name of Prometheus', async () => {
    const meter = createMeter({ dryRun: true, store: memoryStore() })
    const registry = new Registry()
    collectMetrics(meter, registry)
    const text = await registry.metrics()
    const metrics = meter.metrics()
    expect(Object.keys(scrapedNumbers(text))).toHaveLength(metrics.length)
    for (const { name, kind, help } of metrics) {
      const full = `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`
      expect(text).toContain(`# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n${full} 0\n`)
    }
    await meter.close()
  })

  it('reads the meter for each scrape, also twice in one turn of the event loop', async () => {
    const meter = createMeter({ dryRun: true, store: memoryStore() })
    const registry = new Registry()
    collectMetrics(meter, registry)
    for (const times of [1, 2, 3]) {
      meter.record({
        identity: { userId: 'ann' },
        method: 'GET',
        route: '/',
        statusCode: 200,
        aborted: false,
      })
      expect(scrapedNumbers(await registry.metrics())).toMatchObject({ px_usage_calls_counted_total: times })
    }
    await meter.close()
  })

  it.each([
    ['Prometheus', Registry.PROMETHEUS_CONTENT_TYPE],
    ['OpenMetrics', Registry.OPENMETRICS_CONTENT_TYPE],
  ] as const)('keeps both identities in every scrape of %s under load', async (_format, contentType) => {
    const { meter, stop } = meterUnderLoad()
    const registry: Registry<RegistryContentType> = new Registry()
    registry.setContentType(contentType)
    collectMetrics(meter, registry)
    const seen: Record<string, number>[] = []
    for (let scrape = 0; scrape < 60; scrape += 1) {
      const numbers = scrapedNumbers(await registry.metrics())
      expectIdentities(numbers)
      seen.push(numbers)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stop()
    for (const name of ['calls_counted_total', 'calls_stored_total', 'lines_closed', 'lines_delivered']) {
      expect(new Set(seen.map((numbers) => numbers[`px_usage_${name}`])).size, name).toBeGreaterThan(10)
    }
  })

  it('removes the metrics again, so that another meter can use the registry', async () => {
    const meter = createMeter({ dryRun: true, store: memoryStore() })
    const registry = new Registry()
    const remove = collectMetrics(meter, registry)
    expect(() => collectMetrics(meter, registry)).toThrow('already been registered')
    remove()
    collectMetrics(meter, registry)
    expect(await registry.metrics()).toContain('px_usage_lines_closed 0')
    await meter.close()
  })
})
