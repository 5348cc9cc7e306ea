import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it, vi } from 'vitest'
import { createDayTables } from '../../../packages/core/src/counting/day-tables.ts'
import { createIdleSeries } from '../../../packages/core/src/counting/idle-series.ts'
import { createDayCycle } from '../../../packages/core/src/day/day-cycle.ts'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'
import type { CountBatch } from '../../../packages/core/src/model/series.ts'
import type { DayClose, Store } from '../../../packages/core/src/model/store.ts'
import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'
import { noLimits, ownProperties } from '../../support/series-tables.ts'

const hourMs = 3_600_000
const graceMs = 900_000

async function setUp({ start = '2026-11-23T10:00:00Z', flushAfterMs = 0 } = {}) {
  const clock = fakeClock(start)
  const { diagnostics, warnings, errors } = recordingDiagnostics()
  const inner = memoryStore()
  await inner.open({ clock, diagnostics, timeZone: 'UTC' })
  const state = { isFull: false, notOpened: undefined as Error | undefined }
  const stored: Array<[day: string, series: number]> = []
  const store: Store = {
    ...inner,
    flushAfterMs,
    add(batch: CountBatch) {
      if (state.isFull) throw new Error('disk full')
      stored.push([batch.day, batch.size])
      return inner.add(batch)
    },
  }
  const idle = createIdleSeries(noLimits, clock.elapsed)
  const tables = createDayTables({ store, limits: noLimits, properties: ownProperties, diagnostics, idle })
  const steps: string[] = []
  const closeOne = async (day: string): Promise<DayClose> => {
    steps.push(`close ${day}`)
    return inner.closeDay(day, async function* () {})
  }
  const tasks = {
    collect: vi.fn(async () => void steps.push('collect')),
    close: vi.fn(closeOne),
    closed: vi.fn(async () => void steps.push('closed')),
    onTick: vi.fn(() => void steps.push('tick')),
  }
  const opened = async () => {
    if (state.notOpened !== undefined) throw state.notOpened
  }
  const days = createUsageDays('UTC')
  const cycle = createDayCycle({ clock, days, graceMs, store, opened, tables, diagnostics })
  cycle.start(tasks)
  const call = (day = cycle.today(), userId = 'ann') =>
    tables.addCall(
      { userId },
      {
        ...{ day, endpoint: { method: 'GET', route: '/' }, properties: ownProperties },
        ...{ statusCode: 200, aborted: false },
      },
      1,
    )
  return { clock, cycle, tasks, steps, state, stored, store, tables, call, warnings, errors }
}

describe('work()', () => {
  it('stores counts, reads gauges, closes the days that are due, and only then the rest', async () => {
    const { cycle, clock, call, steps, stored, store } = await setUp()
    call('2026-11-21')
    call('2026-11-22')
    call('2026-11-23')
    await cycle.work()
    expect(steps).toEqual(['collect', 'close 2026-11-21', 'close 2026-11-22', 'closed'])
    expect(stored.map(([day]) => day)).toEqual(['2026-11-21', '2026-11-22', '2026-11-23'])
    expect(await store.openDays()).toEqual(['2026-11-23'])
    await clock.advance(0)
    cycle.stop()
  })

  it('runs once more, and only once, for all calls during a run', async () => {
    const { cycle, tasks } = await setUp()
    let resume = () => {}
    tasks.collect.mockImplementationOnce(
      () => new Promise<undefined>((resolve) => (resume = () => resolve(undefined))),
    )
    const first = cycle.work()
    const [second, third] = [cycle.work(), cycle.work()]
    expect(second).toBe(third)
    let isIdle = false
    const idle = cycle.idle().then(() => (isIdle = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect([tasks.collect.mock.calls.length, isIdle]).toEqual([1, false])
    resume()
    await Promise.all([first, second, idle])
    expect(tasks.collect).toHaveBeenCalledTimes(2)
    cycle.stop()
  })

  it('closes the other days if one fails, then throws and reports the failure', async () => {
    const { cycle, call, tasks, steps, errors } = await setUp()
    for (const day of ['2026-11-20', '2026-11-21', '2026-11-22']) call(day)
    tasks.close.mockImplementationOnce(() => Promise.reject(new Error('damaged file')))
    await expect(cycle.work()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(steps).toEqual(['collect', 'close 2026-11-21', 'close 2026-11-22', 'closed'])
    expect(errors.map(({ message, cause }) => [message.split(' See')[0], (cause as Error).message])).toEqual([
      ['A day could not be closed; px-usage will retry.', 'damaged file'],
    ])
    await cycle.work()
    expect(steps.filter((step) => step === 'close 2026-11-20')).toHaveLength(1)
    cycle.stop()
  })

  it('closes no day if reading the gauges failed, because their numbers would be missing', async () => {
    const { cycle, call, tasks, steps } = await setUp()
    call('2026-11-22')
    tasks.collect.mockImplementationOnce(() => Promise.reject(new Error('disk full')))
    await expect(cycle.work()).rejects.toThrow()
    expect(steps).toEqual([])
    await cycle.work()
    expect(steps).toContain('close 2026-11-22')
    cycle.stop()
  })

  it('closes no day of which counts are in memory only', async () => {
    const { cycle, call, steps, state, tasks } = await setUp()
    call('2026-11-22')
    state.isFull = true
    await expect(cycle.work()).rejects.toThrow()
    expect(steps).toEqual(['collect'])
    expect(tasks.closed).not.toHaveBeenCalled()
    state.isFull = false
    await cycle.work()
    expect(steps).toEqual(['collect', 'collect', 'close 2026-11-22', 'closed'])
    cycle.stop()
  })

  it('warns about late counts of a day that was closed before', async () => {
    const { cycle, call, warnings } = await setUp()
    call('2026-11-22')
    await cycle.work()
    expect(warnings).toEqual([])
    call('2026-11-22')
    await cycle.work()
    expect(warnings).toEqual(['PXU_WRN_DAY_LATE_COUNTS'])
    cycle.stop()
  })

  it('waits for the store to open', async () => {
    const { cycle, state, steps } = await setUp()
    state.notOpened = new Error('no folder')
    await expect(cycle.work()).rejects.toThrow('no folder')
    expect(steps).toEqual([])
    cycle.stop()
  })
})

describe('the timer', () => {
  it('closes a day when its grace is over, not before, and ticks every minute', async () => {
    const { cycle, clock, call, steps, tasks } = await setUp()
    call()
    await clock.advance(14 * hourMs + graceMs - 1)
    expect(steps).not.toContain('close 2026-11-23')
    await clock.advance(1)
    expect(steps).toContain('close 2026-11-23')
    expect(steps.at(-1)).toBe('tick')
    expect(tasks.onTick.mock.calls.length).toBeGreaterThan(14 * 60)
    const before = tasks.onTick.mock.calls.length
    cycle.stop()
    await clock.advance(hourMs)
    expect(tasks.onTick).toHaveBeenCalledTimes(before)
  })

  it('ticks also after a run that failed', async () => {
    const { cycle, clock, tasks } = await setUp()
    tasks.collect.mockImplementation(() => Promise.reject(new Error('disk full')))
    await clock.advance(60_000)
    expect(tasks.onTick).toHaveBeenCalledTimes(1)
    await clock.advance(60_000)
    expect(tasks.onTick).toHaveBeenCalledTimes(2)
    cycle.stop()
  })
})

describe('storeSoon()', () => {
  it('stores once for all calls of a turn of the event loop', async () => {
    const { cycle, call, stored, clock } = await setUp()
    for (const user of ['ann', 'ben', 'ann']) {
      call('2026-11-23', user)
      cycle.storeSoon()
    }
    expect(stored).toEqual([])
    await clock.advance(0)
    expect(stored).toEqual([['2026-11-23', 2]])
    cycle.stop()
  })

  it('stores after flushAfterMs if the store asks for a delay, unless it is cancelled', async () => {
    const { cycle, call, stored, clock } = await setUp({ flushAfterMs: 500 })
    call()
    cycle.storeSoon()
    await clock.advance(499)
    expect(stored).toEqual([])
    await clock.advance(1)
    expect(stored).toHaveLength(1)
    call()
    cycle.storeSoon()
    cycle.cancelStoring()
    await clock.advance(1_000)
    expect(stored).toHaveLength(1)
    cycle.stop()
  })
})

describe('persist()', () => {
  it('keeps what the store could not take, reports how much waits, and retries after a second', async () => {
    const { cycle, call, clock, state, stored, errors, tables } = await setUp()
    state.isFull = true
    call('2026-11-23', 'ann')
    call('2026-11-23', 'ben')
    await expect(cycle.persist()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(errors[0]?.message).toContain('will retry. 2 calls wait in memory since 10:00 UTC.')
    await clock.advance(5 * 60_000)
    expect(errors.at(-1)?.message).toContain('2 calls wait in memory since 10:00 UTC.')
    expect(tables.unstored()).toBe(2)
    state.isFull = false
    await clock.advance(1_000)
    expect([stored, tables.unstored()]).toEqual([[['2026-11-23', 2]], 0])
    state.isFull = true
    call()
    await expect(cycle.persist()).rejects.toThrow()
    expect(errors.at(-1)?.message).toContain('1 call waits in memory since 10:05 UTC.')
    cycle.stop()
  })

  it('stores at the end of the turn again as soon as a run shows that the store works', async () => {
    const { cycle, clock, call, state, stored, tables } = await setUp()
    const count = async (userId: string) => {
      call(cycle.today(), userId)
      cycle.storeSoon()
      await clock.advance(0)
    }
    state.isFull = true
    await count('ann')
    state.isFull = false
    await cycle.work()
    expect(stored).toHaveLength(1)
    // A process that was killed within the second of the retry lost this call. At each start the store is not open at first.
    await count('bob')
    expect(stored).toHaveLength(2)
    expect(tables.unstored()).toBe(0)
    cycle.stop()
  })

  it('gives as the reason why the store could not be opened, if it is not open', async () => {
    const { cycle, call, state } = await setUp()
    state.isFull = true
    state.notOpened = new Error('no folder')
    call()
    await expect(cycle.persist()).rejects.toMatchObject({ cause: { message: 'no folder' } })
    cycle.stop()
  })

  it('holds calls while the clock is not set, and counts them into the day that it shows then', async () => {
    const { cycle, call, clock, stored, warnings } = await setUp({ start: '1970-01-01T00:00:00Z' })
    call()
    await cycle.work()
    expect([stored, warnings]).toEqual([[], ['PXU_WRN_DAY_CLOCK_UNSET']])
    clock.step(Date.parse('2026-11-23T10:00:00Z'))
    await cycle.persist()
    expect(stored).toEqual([['2026-11-23', 1]])
    cycle.stop()
  })
})

it('closeAll() closes every day, due or not', async () => {
  const { cycle, call, steps } = await setUp()
  call('2026-11-22')
  call('2026-11-23')
  await cycle.persist()
  await cycle.closeAll()
  expect(steps).toEqual(['close 2026-11-22', 'close 2026-11-23'])
  cycle.stop()
})
