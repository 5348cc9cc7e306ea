import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDayClock } from '../../../packages/core/src/day/day-clock.ts'
import { createUsageDays } from '../../../packages/core/src/day/usage-day.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
afterEach(() => void warned.mockClear())

function dayClockAt(start: string, timeZone = 'UTC') {
  const clock = fakeClock(start)
  const wake = vi.fn(async () => {})
  const days = createUsageDays(timeZone)
  const dayClock = createDayClock({ clock, days, graceMs: 900_000, diagnostics: createDiagnostics(), wake })
  return { clock, dayClock, wake }
}

describe('a wall clock that steps', () => {
  it('a day ahead counts by the new time at once, and makes no day due for an hour', async () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T10:00:00Z')
    dayClock.start()
    clock.step(dayMs)
    expect(dayClock.today()).toBe('2026-11-24')
    expect(dayClock.isDue('2026-11-23')).toBe(false)
    expect(warned).toHaveBeenCalledOnce()
    await clock.advance(59 * 60_000)
    expect(dayClock.isDue('2026-11-23')).toBe(false)
    await clock.advance(2 * 60_000)
    expect(dayClock.isDue('2026-11-23')).toBe(true)
    dayClock.stop()
  })

  it('a day ahead and back within the hour never makes the day due', async () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T10:00:00Z')
    dayClock.start()
    clock.step(dayMs)
    await clock.advance(30 * 60_000)
    clock.step(-dayMs)
    expect(dayClock.today()).toBe('2026-11-23')
    await clock.advance(2 * hourMs)
    expect(dayClock.isDue('2026-11-23')).toBe(false)
    expect(dayClock.isDue('2026-11-22')).toBe(true)
    dayClock.stop()
  })

  it('ten years ahead leaves calls in the trusted day, not in a day that will not come', () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T10:00:00Z')
    clock.step(3_652 * dayMs)
    expect(dayClock.today()).toBe('2026-11-23')
    expect(dayClock.isDue('2026-11-23')).toBe(false)
    clock.step(-3_652 * dayMs)
    expect(dayClock.today()).toBe('2026-11-23')
  })

  it('a day ahead is trusted at once when PX has the same time', () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T10:00:00Z')
    clock.step(dayMs)
    dayClock.confirmClock(clock.now() - dayMs)
    expect(dayClock.isDue('2026-11-23')).toBe(false)
    dayClock.confirmClock(clock.now() + 60_000)
    expect(dayClock.isDue('2026-11-23')).toBe(true)
  })

  it('an hour back over midnight is trusted, and the day before goes on', () => {
    const { clock, dayClock } = dayClockAt('2026-11-24T00:10:00Z')
    expect(dayClock.today()).toBe('2026-11-24')
    clock.step(-hourMs)
    expect(dayClock.today()).toBe('2026-11-23')
    expect(dayClock.isDue('2026-11-23')).toBe(false)
  })

  it('a day back is trusted and reported', () => {
    const steps: unknown[] = []
    const listen = (message: unknown) => void steps.push(message)
    subscribe('px-usage:day:clock-step', listen)
    const { clock, dayClock } = dayClockAt('2026-11-23T10:00:00Z')
    clock.step(-dayMs)
    expect(dayClock.today()).toBe('2026-11-22')
    unsubscribe('px-usage:day:clock-step', listen)
    expect(steps).toEqual([{ aheadMs: -dayMs, isAccepted: true }])
  })

  it('two minutes back over midnight does not open the day before again', async () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T23:59:59.999Z')
    expect(dayClock.today()).toBe('2026-11-23')
    await clock.advance(1)
    expect(dayClock.today()).toBe('2026-11-24')
    clock.step(-120_000)
    expect(dayClock.today()).toBe('2026-11-24')
    await clock.advance(180_000)
    expect(dayClock.today()).toBe('2026-11-24')
  })

  it('by an NTP smear of a second a minute is trusted, and the day is due by the wall clock', async () => {
    const { clock, dayClock } = dayClockAt('2026-11-23T00:00:00Z')
    dayClock.start()
    for (let minute = 0; minute < 24 * 60; minute++) {
      await clock.advance(60_000)
      clock.step(1_000)
    }
    expect(warned).not.toHaveBeenCalled()
    expect(dayClock.today()).toBe('2026-11-24')
    expect(dayClock.isDue('2026-11-23')).toBe(true)
    dayClock.stop()
  })
})

describe('a machine suspended for 12 hours over midnight', () => {
  it('wakes once, counts into the new day, and the old one is due an hour later', async () => {
    const { clock, dayClock, wake } = dayClockAt('2026-11-23T20:00:00Z')
    dayClock.start()
    await clock.advance(60_000)
    wake.mockClear()
    clock.step(12 * hourMs)
    await clock.advance(60_000)
    expect(wake).toHaveBeenCalledTimes(1)
    expect(dayClock.today()).toBe('2026-11-24')
    await clock.advance(61 * 60_000)
    expect(dayClock.isDue('2026-11-23')).toBe(true)
    expect(wake.mock.calls.length).toBeLessThan(64)
    dayClock.stop()
  })
})

it('wakes just after the grace of the day, not only each minute', async () => {
  const { clock, dayClock, wake } = dayClockAt('2026-11-24T00:14:30.500Z')
  dayClock.start()
  await clock.advance(29_499)
  expect(wake).not.toHaveBeenCalled()
  await clock.advance(1)
  expect(wake).toHaveBeenCalledOnce()
  dayClock.stop()
})

it('a day is lasting until a minute before its end, and not after a step back over midnight', async () => {
  const { clock, dayClock } = dayClockAt('2026-11-23T23:58:59Z')
  expect(dayClock.todayIfLasting()).toBe('2026-11-23')
  await clock.advance(1_000)
  expect(dayClock.todayIfLasting()).toBeUndefined()
  await clock.advance(60_000)
  expect(dayClock.todayIfLasting()).toBe('2026-11-24')
  clock.step(-1_000)
  expect([dayClock.today(), dayClock.todayIfLasting()]).toEqual(['2026-11-24', undefined])
})
