import { describe, expect, it } from 'vitest'
import { createMeter, memoryStore, type PxEvent } from '../../../packages/core/src/index.ts'
import type { Scratch } from '../../../packages/core/src/meter/parked-totals.ts'
import { createPastDays, type PastDaysOptions } from '../../../packages/core/src/meter/past-days.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import { rollupIdOf } from '../../../packages/core/src/px/px-event.ts'
import { fakeClock, inMemoryDelivery } from '../../../packages/core/src/testing.ts'

const productKey = 'AP-PASTDAYS-2'

function pastDays(options: Partial<PastDaysOptions> = {}) {
  const problems: string[] = []
  const past = createPastDays({
    productKey,
    timeZone: 'Europe/Berlin',
    onProblem: ({ code }) => problems.push(code),
    ...options,
  })
  return { past, problems }
}

function call(
  userId: unknown,
  method = 'GET',
  route: string | undefined = '/v1/users/:id',
  statusCode = 200,
) {
  const identity = userId as never
  return { identity, method, route, statusCode, aborted: false }
}

async function linesOf(lines: AsyncIterable<OutboxLine>): Promise<OutboxLine[]> {
  const all: OutboxLine[] = []
  for await (const line of lines) all.push(line)
  return all
}

const user = { userId: 'ann', accountId: 'acme' }

describe('the calls of past days', () => {
  it('become the events that a meter would have sent, apart from their mark and ids', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const px = inMemoryDelivery()
    const meter = createMeter({
      ...{ productKey, timeZone: 'Europe/Berlin', clock, delivery: px.delivery },
      store: memoryStore(),
    })
    const { past } = pastDays()
    const day = past.dayOf(clock.now())
    for (const one of [
      call(user),
      call(user),
      call({ userId: 'bob' }, 'PURGE', undefined, 500),
      call(null),
    ]) {
      meter.record(one)
      past.record(one, day)
    }
    await meter.close()
    const lines = await linesOf(past.lines(day, { revision: 0, backfill: 'nov' }))
    const events = lines.map(({ body }) => JSON.parse(body))
    expect(events.every(({ attributes }) => attributes.backfill === 'nov')).toBe(true)
    for (const { attributes } of events) delete attributes.backfill
    const withoutId = ({ attributes: { rollupId, ...rest }, ...event }: PxEvent) => {
      expect(rollupId).toMatch(/^[0-9a-f-]{36}$/)
      return { ...event, attributes: rest }
    }
    expect(events.map(withoutId)).toEqual(px.events.map(withoutId))
    expect(events.map(rollupIdOf)).not.toEqual(px.events.map(rollupIdOf))
    expect(lines.reduce((sum, { calls }) => sum + calls, 0)).toBe(3)
    expect(past.stats()).toMatchObject({ counted: 3, unattributed: { anonymous: 1 } })
  })

  it('belong to the day of the zone in which they finished', async () => {
    const { past } = pastDays()
    for (const at of ['2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z']) {
      past.record(call(user), past.dayOf(Date.parse(at)))
    }
    expect(past.days()).toEqual(['2026-10-24', '2026-10-25'])
    expect(past.days().map(past.callsOf)).toEqual([1, 2])
  })

  it('have the same lines again, those of a revision with other ids', async () => {
    const { past } = pastDays()
    past.record(call(user), '2026-11-01')
    const first = await linesOf(past.lines('2026-11-01', { revision: 0, backfill: 'a' }))
    expect(await linesOf(past.lines('2026-11-01', { revision: 0, backfill: 'a' }))).toEqual(first)
    past.record(call(user), '2026-11-01')
    const more = await linesOf(past.lines('2026-11-01', { revision: 0, backfill: 'a' }))
    expect(more.map(({ id }) => id)).toEqual(first.map(({ id }) => id))
    expect(JSON.parse((more[0] as OutboxLine).body).attributes.apiCalls).toBe(2)
    const late = await linesOf(past.lines('2026-11-01', { revision: 1, backfill: 'a' }))
    expect(late.some(({ id }) => first.some((one) => one.id === id))).toBe(false)
    expect(JSON.parse((late[0] as OutboxLine).body).attributes.revision).toBe(1)
    expect(await linesOf(past.lines('2026-11-02', { revision: 0, backfill: 'a' }))).toEqual([])
  })

  it('wait for an identity that comes later, and report each kind of failure once', async () => {
    const { past, problems } = pastDays()
    past.record(call(Promise.resolve(user)), '2026-11-01')
    past.record(call(Promise.reject(new Error('no database'))), '2026-11-01')
    past.record(call(Promise.reject(new Error('no database'))), '2026-11-01')
    past.record(call(7), '2026-11-01')
    expect(past.stats().pending).toBe(3)
    await past.settled()
    expect(past.stats()).toMatchObject({ counted: 1, unattributed: { rejected: 2, invalid: 1 } })
    expect(problems.length).toBe(2)
  })

  it('fold at the limits of a meter, and at the number of lines', async () => {
    const { past, problems } = pastDays({ limits: { endpointsPerIdentity: 2 } })
    for (let at = 0; at < 10; at++) past.record(call(user, 'GET', `/${at}`), '2026-11-01')
    expect(past.stats().folded.endpoints).toBe(8)
    expect(problems).toEqual(['PXU_WRN_COUNTING_OVERFLOW'])
    const whole = await linesOf(past.lines('2026-11-01', { revision: 0, backfill: 'a' }))
    expect(whole).toHaveLength(4)
    const few = await linesOf(past.lines('2026-11-01', { revision: 0, backfill: 'a', maxLines: 2 }))
    expect(few.map(({ calls }) => calls)).toEqual([10, 0])
  })

  it('belong where the meter of the same options keeps its own', () => {
    const { past } = pastDays({ region: 'eu' })
    expect(past.context).toMatchObject({
      timeZone: 'Europe/Berlin',
      namespace: { productKey, baseUrl: 'https://api-eu.aptrinsic.com', dryRun: false },
    })
    expect(pastDays({ dryRun: true }).past.context.namespace.dryRun).toBe(true)
  })

  it('are not counted with invalid options', () => {
    expect(() => pastDays({ timeZone: 'Mars/Base' })).toThrow('Mars/Base')
  })
})

describe('days that are parked', () => {
  function scratchOf(): Scratch & { texts: string[] } {
    const texts: string[] = []
    return {
      texts,
      write: (text) => ({ offset: texts.push(text) - 1, length: text.length }),
      read: ({ offset }) => texts[offset] as string,
    }
  }
  const days = ['2026-11-01', '2026-11-02', '2026-11-03']

  it('become the same events as in memory, also beyond the limits', async () => {
    const limits = { series: 12, endpointsPerIdentity: 3, propertySets: 2, users: 5 }
    const inMemory = pastDays({ limits })
    const parked = pastDays({ limits })
    const scratch = scratchOf()
    for (let at = 0; at < 900; at++) {
      const day = days[Math.floor(at / 50) % days.length] as string
      const identity = { userId: `u${(at * 7) % 11}`, ...(at % 4 === 0 ? {} : { accountId: `a${at % 9}` }) }
      const properties = { tier: at % 5 }
      for (const { past } of [inMemory, parked]) {
        past.record({ ...call(identity, 'GET', `/v1/${(at * 3) % 13}`), properties }, day)
      }
      if (at % 25 === 0) parked.past.park(scratch, 0)
    }
    parked.past.park(scratch, 0)
    parked.past.park(scratch, 0)
    expect(parked.past.stats()).toEqual({ ...inMemory.past.stats(), series: 0 })
    expect(parked.problems).toEqual(inMemory.problems)
    for (const day of days) {
      const settings = { revision: 0, backfill: 'x' }
      const expected = await linesOf(inMemory.past.lines(day, settings))
      const found = await linesOf(parked.past.lines(day, settings))
      const byId = (a: OutboxLine, b: OutboxLine) => (a.id < b.id ? -1 : 1)
      expect(found.sort(byId)).toEqual(expected.sort(byId))
      expect(await linesOf(parked.past.lines(day, settings))).toHaveLength(expected.length)
    }
  })

  it('are those that were used longest ago, and not those in use', () => {
    const { past } = pastDays()
    const scratch = scratchOf()
    for (const day of [...days, days[0] as string]) past.record(call(user), day)
    past.park(scratch, 0)
    expect(past.stats().series).toBe(3)
    past.record(call(user), days[2] as string)
    past.park(scratch, 2)
    expect([past.stats().series, scratch.texts.length]).toEqual([2, 1])
    past.park(scratch, 1)
    past.park(scratch, 1)
    expect([past.stats().series, scratch.texts.length]).toEqual([1, 2])
    past.record(call(user), days[1] as string)
    expect([past.stats().series, past.callsOf(days[1] as string)]).toEqual([2, 2])
  })
})
