import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, type MeterOptions, type UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const hourMs = 3_600_000
const productA = 'AP-AAAAAAAAAAAA-2'
const productB = 'AP-BBBBBBBBBBBB-2'

interface Service {
  meter: Meter
  /** User, calls, product and zone of each dailyApiCalls event, as they were sent by this service. */
  sent(): string[]
}

describe('services that share one folder', () => {
  let dir: string
  let clock: FakeClock
  const services: Service[] = []

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'px-usage-shared-'))
    clock = fakeClock('2026-11-23T10:00:00Z')
    vi.spyOn(process, 'emitWarning').mockReturnValue()
  })
  afterEach(async () => {
    for (const { meter } of services.splice(0)) await meter.close()
    rmSync(dir, { recursive: true, force: true })
    vi.restoreAllMocks()
  })

  function start(options: MeterOptions): Service {
    const px = inMemoryDelivery()
    const meter = createMeter({
      ...{ clock, delivery: px.delivery, store: fileStore({ dir }), startJitterMs: 0 },
      ...options,
    })
    const service = {
      meter,
      sent: () =>
        px.events
          .filter(({ eventName }) => eventName === 'dailyApiCalls')
          .map(
            ({ identifyId, propertyKey, attributes }) =>
              `${identifyId} ${attributes.apiCalls} ${propertyKey} ${attributes.timeZone}`,
          ),
    }
    services.push(service)
    return service
  }

  function count(meter: Meter, userId: string, times: number): void {
    for (let call = 0; call < times; call++)
      meter.record({ identity: { userId }, method: 'GET', route: '/x', statusCode: 200, aborted: false })
  }

  async function passDays(days: number): Promise<void> {
    for (let hour = 0; hour < 24 * days; hour++) {
      await clock.advance(hourMs)
      for (const { meter } of services) await meter.flush()
    }
  }

  it.each<[string, MeterOptions, MeterOptions, string[], string[]]>([
    [
      'two products',
      { productKey: productA },
      { productKey: productB },
      [`user-a 5 ${productA} UTC`],
      [`user-b 7 ${productB} UTC`],
    ],
    [
      'two zones of one product',
      { productKey: productA, timeZone: 'America/New_York' },
      { productKey: productA, timeZone: 'Asia/Tokyo' },
      [`user-a 5 ${productA} America/New_York`],
      [`user-b 7 ${productA} Asia/Tokyo`],
    ],
    [
      'two PX addresses',
      { productKey: productA, region: 'us' },
      { productKey: productA, region: 'eu' },
      [`user-a 5 ${productA} UTC`],
      [`user-b 7 ${productA} UTC`],
    ],
    [
      'a dry run and a real one',
      { productKey: productA, dryRun: true },
      { productKey: productA },
      [],
      [`user-b 7 ${productA} UTC`],
    ],
    [
      'a dry run without keys and a real one',
      { dryRun: true },
      { productKey: productA },
      [],
      [`user-b 7 ${productA} UTC`],
    ],
  ])('%s: each sends its own counts only', async (_title, optionsA, optionsB, sentByA, sentByB) => {
    const a = start(optionsA)
    count(a.meter, 'user-a', 5)
    await a.meter.flush()
    const b = start(optionsB)
    count(b.meter, 'user-b', 7)
    await passDays(2)
    expect(a.sent()).toEqual(sentByA)
    expect(b.sent()).toEqual(sentByB)
  })

  it('counts of a dry run stay out of PX when the next run has keys', async () => {
    const dry = start({ productKey: productA, dryRun: true })
    count(dry.meter, 'user-a', 5)
    await passDays(2)
    await dry.meter.close()
    services.length = 0
    const real = start({ productKey: productA })
    await passDays(2)
    expect(real.sent()).toEqual([])
  })

  it('a service that starts again finds its namespace, whichever service used the folder first', async () => {
    for (const [productKey, userId] of [
      [productA, 'user-a'],
      [productB, 'user-b'],
    ] as const) {
      const { meter } = start({ productKey })
      count(meter, userId, 3)
      await meter.close()
    }
    services.length = 0
    const b = start({ productKey: productB })
    const a = start({ productKey: productA })
    await passDays(2)
    expect(a.sent()).toEqual([`user-a 3 ${productA} UTC`])
    expect(b.sent()).toEqual([`user-b 3 ${productB} UTC`])
  })

  it('of services that start at once one gets the folder and the others a subfolder', async () => {
    const products = Array.from({ length: 8 }, (_, number) => `AP-PRODUCT${number}-2`)
    const all = products.map((productKey) => start({ productKey }))
    for (const [number, { meter }] of all.entries()) count(meter, `user-${number}`, number + 1)
    await passDays(2)
    expect(all.map(({ sent }) => sent())).toEqual(
      products.map((product, number) => [`user-${number} ${number + 1} ${product} UTC`]),
    )
    expect(readdirSync(dir).filter((name) => name.startsWith('AP-PRODUCT'))).toHaveLength(7)
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('after a change of the time zone the old days are sent in their own zone, with a warning', async () => {
    const before = start({ productKey: productA, timeZone: 'UTC' })
    count(before.meter, 'ann', 4)
    await before.meter.close()
    services.length = 0
    const errors: UsageError[] = []
    const after = start({
      productKey: productA,
      timeZone: 'Asia/Tokyo',
      onError: (error) => void errors.push(error),
    })
    count(after.meter, 'ann', 2)
    await passDays(2)
    expect(after.sent().sort()).toEqual([`ann 2 ${productA} Asia/Tokyo`, `ann 4 ${productA} UTC`])
    expect(process.emitWarning).toHaveBeenCalledWith(
      expect.stringMatching(/counts of the namespace api\.aptrinsic\.com\.[0-9a-f]{8} UTC/),
      expect.objectContaining({ code: 'PXU_WRN_STORE_LEFTOVER' }),
    )
    expect(errors).toEqual([])
  })

  it('a corrected region strands nothing', async () => {
    const before = start({ productKey: productA, region: 'us' })
    count(before.meter, 'ann', 4)
    await before.meter.close()
    services.length = 0
    const after = start({ productKey: productA, region: 'eu' })
    count(after.meter, 'ann', 2)
    await passDays(2)
    expect(after.sent().sort()).toEqual([`ann 2 ${productA} UTC`, `ann 4 ${productA} UTC`])
  })

  it('counts made for the emulator stay out of PX', async () => {
    const before = start({ productKey: productA, baseUrl: 'http://127.0.0.1:7171' })
    count(before.meter, 'ann', 4)
    await before.meter.close()
    services.length = 0
    const after = start({ productKey: productA })
    await passDays(2)
    expect(after.sent()).toEqual([])
  })

  it('a zone in which another process still counts is left to that process', async () => {
    const utc = start({ productKey: productA, timeZone: 'UTC' })
    count(utc.meter, 'ann', 4)
    await utc.meter.flush()
    const tokyo = start({ productKey: productA, timeZone: 'Asia/Tokyo' })
    count(tokyo.meter, 'bob', 2)
    await passDays(2)
    expect(utc.sent()).toEqual([`ann 4 ${productA} UTC`])
    expect(tokyo.sent()).toEqual([`bob 2 ${productA} Asia/Tokyo`])
    expect(process.emitWarning).not.toHaveBeenCalled()
  })
})
