import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type DeliveryResult, fileStore, type Meter, type Store } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'

/** A service that counts into a folder, with a clock and a PX of the test. */
export interface CountingService extends AsyncDisposable {
  readonly dir: string
  readonly clock: FakeClock
  readonly meter: Meter
  /** Bodies that arrived. */
  readonly arrived: string[]
  /** What PX returns for the next lines. */
  reply: (body: string) => DeliveryResult
  call(userId: string, route?: string, times?: number): void
}

/** Starts a service with the product AP-TEST-2, on 2026-11-23 at 10:00 UTC unless `at` is another time. */
export function startService({
  store,
  at = '2026-11-23T10:00:00Z',
}: {
  store?: Store
  at?: string
} = {}): CountingService {
  const dir = mkdtempSync(join(tmpdir(), 'px-usage-service-'))
  const clock = fakeClock(at)
  const arrived: string[] = []
  const meter = createMeter({
    ...{ productKey: 'AP-TEST-2', apiKey: 'k', baseUrl: 'https://api.aptrinsic.com', clock },
    store: store ?? fileStore({ dir }),
    async delivery({ body }) {
      const result = service.reply(body)
      if (result.outcome === 'delivered') arrived.push(body)
      return result
    },
  })
  const service: CountingService = {
    ...{ dir, clock, meter, arrived },
    reply: () => ({ outcome: 'delivered' }),
    call(userId, route = '/v1/users', times = 1) {
      for (let call = 0; call < times; call++) {
        meter.record({
          identity: { userId, accountId: 'acme' },
          ...{ method: 'GET', route, statusCode: 200, aborted: false },
        })
      }
    },
    async [Symbol.asyncDispose]() {
      await meter.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  return service
}
