import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { UsageDay } from '../model/series.ts'
import type { UsageDays } from './usage-day.ts'

/** Time is read again at least this often, so that a suspended machine or a corrected clock is noticed soon. */
const tickMs = 60_000
/** A step of the clock up to this size is a correction: believed at once, and no reason to go back to a day that was over. */
const correctionMs = 300_000
/** A clock that jumped further ahead is believed when it has kept the new time for so long, or when PX has the same time. */
const doubtMs = 3_600_000
/** How far the clocks of PX and of this machine may be apart and still be said to agree. */
const agreementMs = 600_000
/** A machine without a clock of its own starts in 1970, 1980 or 2000, until its time service has set the time. */
const earliestMs = Date.UTC(2001, 0, 1)
/** A machine that slept wakes within days. Further ahead lies no day that calls are counted into before it is believed. */
const longestSleepMs = 7 * 24 * 3_600_000

export interface DayClock {
  /** The usage day of a call that finishes now. Costs two comparisons as long as the day lasts. */
  today(): UsageDay
  /** Whether the wall clock can be right at all. */
  isSet(): boolean
  /** Whether the day has been over for `graceMs`, by a clock that can be believed. */
  isDue(day: UsageDay): boolean
  /** Another clock's time, such as the `Date` of an answer of PX: ends the doubt about this one if they agree. */
  confirmClock(epochMs: number): void
  /** Wakes the meter at least once a minute, and just after the next day falls due. */
  start(): void
  stop(): void
}

interface DayClockSettings {
  clock: Clock
  days: UsageDays
  /** How long after its end a day is due to be closed. */
  graceMs: number
  diagnostics: Diagnostics
  wake(): Promise<void>
}

/**
 * Tells which day it is and when one is over, although the wall clock may step (NTP, a suspended machine, a bad battery):
 * an event of a day closed too early could not be taken back.
 *
 * The wall clock is compared with time that passed. Back or slightly ahead is believed at once; a day closes later then. Far
 * ahead is believed after an hour, or when PX agrees: till then calls are counted by the new time, and no day closes by it.
 *
 * There is no single long timer to midnight: it would not survive a suspended machine or a step of the clock.
 */
export function createDayClock({ clock, days, graceMs, diagnostics, wake }: DayClockSettings): DayClock {
  /** What the wall clock is ahead of time that passed, as far as it is believed. */
  let believedOffset = clock.now() - clock.elapsed()
  let doubt: { offset: number; sinceElapsed: number } | undefined
  let day = days.of(clock.now())
  let { startMs, endMs } = days.bounds(day)
  let cancel = () => {}
  let running = false

  function readTime(): number {
    const nowMs = clock.now()
    const offset = nowMs - clock.elapsed()
    const aheadMs = offset - believedOffset
    // A time that cannot be right is nothing to hold on to.
    if (aheadMs <= correctionMs || (believedNow() < earliestMs && nowMs >= earliestMs)) believe(offset)
    else if (doubt === undefined || Math.abs(offset - doubt.offset) > correctionMs) {
      doubt = { offset, sinceElapsed: clock.elapsed() }
      diagnostics.publish('day:clock-step', { aheadMs, believed: false })
      diagnostics.warn(
        'PXU_WRN_DAY_CLOCK_STEP',
        `The clock of this machine went ahead by ${Math.round(aheadMs / 1_000)} s at once, so no day is closed by it for an hour, or until PX has the same time. If the machine did not sleep, check its time service.`,
      )
    } else if (clock.elapsed() - doubt.sinceElapsed >= doubtMs) believe(offset)
    return nowMs
  }

  function believe(offset: number): void {
    const aheadMs = offset - believedOffset
    if (Math.abs(aheadMs) > correctionMs) diagnostics.publish('day:clock-step', { aheadMs, believed: true })
    believedOffset = offset
    doubt = undefined
  }

  function believedNow(): number {
    return Math.min(clock.now(), believedOffset + clock.elapsed())
  }

  function enter(atMs: number): void {
    day = days.of(atMs)
    ;({ startMs, endMs } = days.bounds(day))
  }

  function schedule(): void {
    const dueAt = days.bounds(days.of(clock.now() - graceMs)).endMs + graceMs
    const delayMs = Math.min(tickMs, Math.max(1, dueAt - clock.now()))
    cancel = clock.setTimer(() => {
      readTime()
      void wake().finally(() => {
        if (running) schedule()
      })
    }, delayMs)
  }

  return {
    today() {
      const nowMs = clock.now()
      if (nowMs >= startMs && nowMs < endMs) return day
      readTime()
      // A clock set back over midnight by a little does not open again the day before.
      if (nowMs < startMs && startMs - nowMs <= correctionMs) return day
      const isFarAhead = nowMs - believedNow() > longestSleepMs
      enter(isFarAhead ? believedNow() : nowMs)
      return day
    },
    isSet: () => clock.now() >= earliestMs,
    isDue(day) {
      readTime()
      return days.bounds(day).endMs + graceMs <= believedNow()
    },
    confirmClock(epochMs) {
      readTime()
      if (doubt !== undefined && Math.abs(epochMs - clock.now()) <= agreementMs) believe(doubt.offset)
    },
    start() {
      if (running) return
      running = true
      schedule()
    },
    stop() {
      running = false
      cancel()
    },
  }
}
