import { createMeter, type DeliveryResult, type Meter, type MeterOptions, memoryStore } from '@px-usage/core'
import { collectMetrics } from '@px-usage/core/prometheus'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { Registry } from 'prom-client'
import { scrapedNumbers } from './scraped-numbers.ts'

/** The time between two scrapes: 5 minutes. */
export const scrapeMs = 300_000
const scrapesPerHour = 12

/** One series as `promtool test rules` takes it. */
export interface InputSeries {
  series: string
  values: string
}

/**
 * A service whose processes count with real meters while a fake clock runs, and the scrapes of these meters every 5 minutes. Each
 * process is an instance of its own.
 */
export class RecordedScrapes {
  readonly clock: FakeClock
  /** What PX returns. */
  respond: () => DeliveryResult = () => ({ outcome: 'delivered' })
  /** The calls between two scrapes. */
  call: (meter: Meter) => void = () => {}
  readonly #options: MeterOptions
  readonly #series = new Map<string, (number | 'stale' | undefined)[]>()
  #scrapes = 0
  #instance = 0
  #process: { meter: Meter; registry: Registry } | undefined

  constructor(start: string, options: MeterOptions = {}) {
    this.clock = fakeClock(start)
    this.#options = options
  }

  /** The number of scrapes so far. */
  get scrapes(): number {
    return this.#scrapes
  }

  start(options: MeterOptions = {}): void {
    const meter = createMeter({
      clock: this.clock,
      delivery: async () => this.respond(),
      startJitterMs: 300_000,
      store: memoryStore(),
      onError() {},
      ...this.#options,
      ...options,
    })
    const registry = new Registry()
    collectMetrics(meter, registry)
    this.#instance += 1
    this.#process = { meter, registry }
  }

  /** Ends the process. Prometheus marks its series as stale at the next scrape. */
  async stop(): Promise<void> {
    await this.#process?.meter.close({ timeoutMs: 0 })
    this.#process = undefined
    for (const values of this.#series.values()) if (values.length === this.#scrapes) values.push('stale')
  }

  /** Lets time pass, with calls, and scrapes every 5 minutes. */
  async run(hours: number): Promise<void> {
    for (let scrape = 0; scrape < hours * scrapesPerHour; scrape += 1) {
      if (this.#process !== undefined) this.call(this.#process.meter)
      await this.clock.advance(scrapeMs)
      if (this.#process !== undefined) {
        for (const [name, value] of Object.entries(scrapedNumbers(await this.#process.registry.metrics()))) {
          const series = `${name}{job="shop",instance="${this.#instance}"}`
          const values = this.#series.get(series) ?? []
          this.#series.set(series, values)
          values[this.#scrapes] = value
        }
      }
      this.#scrapes += 1
    }
  }

  /** Returns all series, in the notation of promtool: `5x3` for 5 and three repetitions, `_` for no sample. */
  series(): InputSeries[] {
    return [...this.#series].map(([series, values]) => {
      const runs: { value: string; times: number }[] = []
      for (const value of Array.from(values, (one) => String(one ?? '_'))) {
        const last = runs.at(-1)
        if (last?.value === value) last.times += 1
        else runs.push({ value, times: 1 })
      }
      const notation = runs.map(({ value, times }) =>
        value === 'stale' || times === 1 ? Array(times).fill(value).join(' ') : `${value}x${times - 1}`,
      )
      return { series, values: notation.join(' ') }
    })
  }
}
