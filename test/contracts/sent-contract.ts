import type { Store } from '@px-usage/core'
import type { StoreReader } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { type CountingService, startService } from '../support/counting-service.ts'

/** Where the record of delivered lines is. All stores of one place share their data. */
export interface SentPlace {
  makeStore(keepSentBytes?: number): Store
  reader(): Promise<StoreReader>
}

const dayMs = 86_400_000
const first = '2026-11-23'
/** The usage days of a service, from 0. */
const dayOf = (at: number) => new Date(Date.parse(first) + at * dayMs).toISOString().slice(0, 10)

/** What the record of delivered lines is, in a folder and in Redis. */
export function sentContract(name: string, place: () => SentPlace): void {
  /** Starts a process on a day. */
  const start = (keepSentBytes?: number, day = 0) =>
    startService({ store: place().makeStore(keepSentBytes), at: `${dayOf(day)}T10:00:00Z` })

  /** Counts calls on some days, from the current one on, and closes and sends each of them. */
  async function sendDays(service: CountingService, days: number, users = 3): Promise<void> {
    // The store opens while the clock shows the first day.
    await service.meter.flush()
    for (let day = 0; day < days; day++) {
      for (let user = 0; user < users; user++) service.call(`user ${user}`, `/v1/${user % 2}`, user + 1)
      await service.clock.advance(dayMs)
      await service.meter.flush()
    }
  }

  async function read(from = '0000', to = '9999') {
    const reader = await place().reader()
    const lines = []
    for await (const line of reader.lines(from, to)) lines.push(line)
    return { lines, incompleteUpTo: await reader.incompleteUpTo() }
  }
  const bodiesOf = (lines: ReadonlyArray<{ body: string }>) => lines.map(({ body }) => body).sort()

  it(`${name} keeps each delivered line once, by its day`, async () => {
    await using service = start()
    await sendDays(service, 3)
    const { lines, incompleteUpTo } = await read()
    expect(bodiesOf(lines)).toEqual([...service.arrived].sort())
    expect([lines.length, incompleteUpTo]).toEqual([18, undefined])
    const middle = (await read(dayOf(1), dayOf(1))).lines
    expect(middle).toHaveLength(6)
    for (const { day, state, id, body, calls } of middle) {
      expect([day, state, body.includes(id)]).toEqual([dayOf(1), 'delivered', true])
      expect(calls).toBeGreaterThanOrEqual(0)
    }
    expect((await read(dayOf(5), dayOf(9))).lines).toEqual([])
  })

  it(`${name} has lines in their states, and each once after its delivery`, async () => {
    await using service = start()
    service.reply = (body) => {
      if (body.includes('user 0')) return { outcome: 'delivered' }
      return body.includes('user 1')
        ? { outcome: 'rejected', reason: 'no' }
        : { outcome: 'unconfirmed', reason: 'late' }
    }
    await sendDays(service, 1)
    const states = async () => (await read()).lines.map(({ state }) => state).sort()
    const two = (state: string) => [state, state]
    expect(await states()).toEqual([...two('delivered'), ...two('rejected'), ...two('unconfirmed')])
    service.reply = () => ({ outcome: 'delivered' })
    await service.clock.advance(3_600_000)
    await service.meter.flush()
    expect(await states()).toEqual([...two('delivered'), ...two('delivered'), ...two('rejected')])
    expect((await read()).incompleteUpTo).toBeUndefined()
  })

  it(`${name} has the lines of processes that follow each other`, async () => {
    const arrived: string[] = []
    for (let process = 0; process < 3; process++) {
      await using service = start(undefined, process)
      await sendDays(service, 1)
      arrived.push(...service.arrived)
    }
    const { lines, incompleteUpTo } = await read()
    expect([bodiesOf(lines), incompleteUpTo]).toEqual([arrived.sort(), undefined])
  })

  it(`${name} with keepSentBytes 0 keeps no line, and says which days miss them`, async () => {
    await using service = start(0)
    await sendDays(service, 2)
    const { lines, incompleteUpTo = '' } = await read()
    expect([lines, incompleteUpTo >= dayOf(1)]).toEqual([[], true])
  })

  it(`${name} removes what earlier settings kept, once it is to keep nothing`, async () => {
    {
      await using service = start()
      await sendDays(service, 2)
    }
    await using service = start(0, 2)
    await sendDays(service, 1)
    const { lines, incompleteUpTo = '' } = await read()
    expect([lines, incompleteUpTo >= dayOf(2)]).toEqual([[], true])
  })

  it(`${name} that begins to keep lines says which days miss them`, async () => {
    {
      await using service = start(0)
      await sendDays(service, 2)
    }
    await using service = start(undefined, 2)
    await sendDays(service, 3)
    const { lines, incompleteUpTo = '' } = await read()
    expect(bodiesOf(lines)).toEqual([...service.arrived].sort())
    expect([dayOf(1), dayOf(2)]).toContain(incompleteUpTo)
  })

  it(`${name} removes the oldest days beyond keepSentBytes, and says so`, async () => {
    await using service = start(3_000)
    await sendDays(service, 9)
    const { lines, incompleteUpTo } = await read()
    const days = [...new Set(lines.map(({ day }) => day))].sort()
    expect(days.length).toBeGreaterThan(0)
    expect(days.length).toBeLessThan(9)
    expect(days).toEqual(Array.from({ length: days.length }, (_, at) => dayOf(9 - days.length + at)))
    expect(incompleteUpTo).toBe(dayOf(8 - days.length))
    expect(lines).toHaveLength(days.length * 6)
  })

  it(`${name} removes days that are older than PX can be read for, and says so`, async () => {
    {
      await using service = start()
      await sendDays(service, 3)
    }
    await using service = start(undefined, 190)
    await sendDays(service, 1)
    const { lines, incompleteUpTo } = await read()
    expect([...new Set(lines.map(({ day }) => day))].sort()).toEqual([dayOf(2), dayOf(190)])
    expect(incompleteUpTo).toBe(dayOf(1))
  })
}
