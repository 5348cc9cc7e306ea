import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, memoryStore, type Store } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { daysOfOtherSenders } from '../../../packages/core/src/px/other-senders.ts'

const event = (day: string, user: string, apiCalls: number) => ({
  eventId: `${day} ${user} ${apiCalls}`,
  identifyId: user,
  attributes: { day, apiCalls, rollupId: `${day} ${user}` },
})
const doubled = (day: string, user = 'ann') => [event(day, user, 1), event(day, user, 2)]

/** Looks at the pages given, and returns the days and the requested filters. */
async function search(...pages: (object[] | number)[]) {
  const filters: string[] = []
  const days = await daysOfOtherSenders('dailyApiCalls', {
    client: {
      async request({ path }) {
        filters.push(new URL(path, 'https://px').searchParams.get('filter') ?? '')
        const page = pages.shift() ?? []
        const isList = typeof page !== 'number'
        const body = isList ? JSON.stringify({ customEvents: page, totalHits: page.length }) : ''
        return { received: true, status: isList ? 200 : page, retryAfter: undefined, body, isComplete: true }
      },
    },
    acquire: async () => 'granted',
    nowMs: Date.parse('2026-11-24T10:00:00Z'),
  })
  return { days, filters }
}

describe('the search for other senders', () => {
  it('finds the days that have different events with one rollupId', async () => {
    const events = [...doubled('2026-11-23'), event('2026-11-22', 'bob', 1), ...doubled('2026-11-21')]
    const { days, filters } = await search(events)
    expect(days).toEqual(['2026-11-21', '2026-11-23'])
    expect(filters).toEqual([
      `eventName==dailyApiCalls;date>=${Date.parse('2026-11-17T10:00:00Z')};date<=${Date.parse('2026-11-24T10:00:00Z')}`,
    ])
  })

  it('finds nothing in events that were resent, in one such day, and in events of others', async () => {
    const resent = [event('2026-11-23', 'ann', 1), { ...event('2026-11-23', 'ann', 1), eventId: 'again' }]
    expect((await search([...resent, ...doubled('2026-11-22')])).days).toEqual([])
    expect((await search([{ eventId: 1, attributes: {} }, { eventId: 2 }])).days).toEqual([])
  })

  it('reads the events of one user if one page is not enough, and no third page', async () => {
    const page = Array.from({ length: 1_000 }, (_, at) => event('2026-11-23', at === 0 ? 'a;b' : `u${at}`, 1))
    const ofUser = [...doubled('2026-11-22', 'u1'), ...doubled('2026-11-21', 'u1')]
    const { days, filters } = await search(page, ofUser)
    expect(days).toEqual(['2026-11-21', '2026-11-22'])
    expect(filters[1]).toMatch(/^identifyId==u1;eventName==dailyApiCalls;/)
    expect(filters.length).toBe(2)
  })

  it.each([403, 401, 429, 500])('finds nothing if PX returns %d', async (status) => {
    expect(await search(status)).toMatchObject({ days: [], filters: [expect.any(String)] })
  })
})

describe('a meter', () => {
  let px: Emulator
  let dirs: string[]
  let clock: FakeClock
  let warned: string[]
  beforeEach(async () => {
    px = await startEmulator({ port: 0, keys: { writer: { read: false, write: true } } })
    dirs = []
    clock = fakeClock('2026-11-20T10:00:00Z')
    warned = []
    vi.spyOn(process, 'emitWarning').mockImplementation((message) => void warned.push(String(message)))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    for (const dir of dirs) rmSync(dir, { recursive: true })
    await px.close()
  })

  function folder(): string {
    const dir = mkdtempSync(join(tmpdir(), 'px-usage-senders-'))
    dirs.push(dir)
    return dir
  }
  function start(store: Store, apiKey = px.apiKey): Meter {
    const { productKey, url: baseUrl } = px
    return createMeter({ apiKey, productKey, baseUrl, store, clock, startJitterMs: 0 })
  }
  async function runDay(meters: readonly Meter[]): Promise<void> {
    for (const [at, meter] of meters.entries()) {
      for (let calls = 0; calls <= at; calls++) {
        meter.record({
          identity: { userId: 'ann' },
          method: 'GET',
          route: '/',
          statusCode: 200,
          aborted: false,
        })
      }
      await meter.flush()
    }
    await clock.advance(24 * 3_600_000)
    for (const meter of meters) await meter.flush()
  }
  const closeAll = (meters: readonly Meter[]) => Promise.all(meters.map((meter) => meter.close()))
  const gets = () => px.requests.filter(({ method }) => method === 'GET').length
  /** Starts a meter, waits for its request, and returns what it warned about senders. */
  async function warningsOfStart(store: Store, apiKey?: string): Promise<string[]> {
    const before = gets()
    const meter = start(store, apiKey)
    await expect.poll(gets).toBe(before + 1)
    await meter.close()
    return warned.filter((text) => text.includes('share no store'))
  }

  it('warns at start when instances with folders of their own sent for two days', async () => {
    const [one, other] = [folder(), folder()]
    const meters = [start(fileStore({ dir: one })), start(fileStore({ dir: other }))]
    await runDay(meters)
    await runDay(meters)
    await closeAll(meters)
    expect(px.events().filter(({ eventName }) => eventName === 'dailyApiCalls').length).toBe(4)
    const requests = px.requests.filter(({ method }) => method === 'POST').length
    const [text] = await warningsOfStart(fileStore({ dir: one }))
    expect(text).toMatch(/dailyApiCalls events of one user and day, on 2026-11-20, 2026-11-21\..*redisStore/)
    expect(px.requests.filter(({ method }) => method === 'POST').length).toBe(requests)
    warned.length = 0
    expect(await warningsOfStart(fileStore({ dir: one }), 'writer')).toEqual([])
  })

  it('does not warn after a restart in the middle of each day', async () => {
    const dir = folder()
    for (let day = 0; day < 3; day++) {
      const before = start(fileStore({ dir }))
      before.record({
        identity: { userId: 'ann' },
        method: 'GET',
        route: '/',
        statusCode: 200,
        aborted: false,
      })
      await before.close()
      const after = start(fileStore({ dir }))
      await runDay([after])
      await after.close()
    }
    expect(px.events().filter(({ eventName }) => eventName === 'dailyApiCalls').length).toBe(3)
    expect(await warningsOfStart(fileStore({ dir }))).toEqual([])
  })

  it('sends no request to find other senders with a store that is not durable', async () => {
    const meter = start(memoryStore())
    await meter.flush()
    await meter.close()
    expect(gets()).toBe(0)
  })
})
