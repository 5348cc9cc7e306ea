import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { UsageDay } from '../model/series.ts'
import type { UsageDays } from './usage-day.ts'

/** The least time to the end of a day in which the clock is not read for each call: 60000 ms (1 minute). */
const lastingMs = 60_000
/** The longest interval between two readings of the clock, so that a suspended machine or a corrected clock is noticed soon. */
const tickMs = 60_000
/** The largest step of the clock that counts as a correction. It is accepted at once, and does not reopen the previous day. */
const correctionMs = 300_000
/** How long a clock must keep a time further ahead before it is accepted without PX's confirmation: 3600000 ms (1 hour). */
const confirmAfterMs = 3_600_000
/** The largest difference between the clocks of PX and of this machine that confirms a time: 600000 ms (10 minutes). */
const agreementMs = 600_000
/** The earliest plausible time. A machine without a hardware clock starts in 1970, 1980 or 2000, until its time service has set it. */
const earliestMs = Date.UTC(2001, 0, 1)
/** The longest sleep of a machine. Calls are not counted into a day further ahead before the clock is confirmed. */
const longestSleepMs = 7 * 24 * 3_600_000

/** Says which usage day it is, and which days are due to be closed. */
export interface DayClock {
  /** Returns the usage day of a call that finishes now. While the day lasts, it costs two comparisons. */
  today(): UsageDay
  /** Returns the same, if the day lasts for another minute at least. */
  todayIfLasting(): UsageDay | undefined
  /** Returns whether the wall clock is plausible. */
  isSet(): boolean
  /** Returns whether the day has been over for `graceMs`, by the confirmed time. */
  isDue(day: UsageDay): boolean
  /** Compares a pending step with another clock, such as the `Date` of a response of PX, and accepts the step if they agree. */
  confirmClock(epochMs: number): void
  /** Wakes the meter at least once a minute, and just after the next day falls due. */
  start(): void
  stop(): void
}

export interface DayClockSettings {
  clock: Clock
  days: UsageDays
  /** The delay after its end before a day is closed, in milliseconds. */
  graceMs: number
  diagnostics: Diagnostics
  wake(): Promise<void>
}

/**
 * Creates the clock of usage days. It handles steps of the wall clock (NTP, a suspended machine, an empty battery), because the event
 * of a day that was closed too early cannot be deleted in PX.
 *
 * The wall clock is compared with the monotonic clock. A step back, or slightly ahead, is accepted at once; a day then closes
 * later. A step far ahead is accepted after an hour, or when PX has the same time. Until then calls are counted by the new
 * time, but no day is closed by it.
 *
 * A single long timer to midnight would fire late after a suspension or a step of the clock, so the time is read every minute.
 */
export function createDayClock({ clock, days, graceMs, diagnostics, wake }: DayClockSettings): DayClock {
  /** The accepted difference between the wall clock and the monotonic clock. */
  let acceptedOffset = clock.now() - clock.elapsed()
  let pendingStep: { offset: number; sinceElapsed: number } | undefined
  let day = days.of(clock.now())
  let { startMs, endMs } = days.bounds(day)
  let cancel = () => {}
  let running = false

  function readTime(): number {
    const nowMs = clock.now()
    const offset = nowMs - clock.elapsed()
    const aheadMs = offset - acceptedOffset
    // An implausible time is replaced at once, because it must not delay the right one.
    if (aheadMs <= correctionMs || (acceptedNow() < earliestMs && nowMs >= earliestMs)) accept(offset)
    else if (pendingStep === undefined || Math.abs(offset - pendingStep.offset) > correctionMs) {
      pendingStep = { offset, sinceElapsed: clock.elapsed() }
      diagnostics.publish('day:clock-step', { aheadMs, isAccepted: false })
      diagnostics.warn(
        'PXU_WRN_DAY_CLOCK_STEP',
        `The clock of this machine jumped ahead by ${Math.round(aheadMs / 1_000)} s, so px-usage closes no day by it for 1 hour, or until PX confirms the time. If the machine was not suspended, check its time service.`,
      )
    } else if (clock.elapsed() - pendingStep.sinceElapsed >= confirmAfterMs) accept(offset)
    return nowMs
  }

  function accept(offset: number): void {
    const aheadMs = offset - acceptedOffset
    if (Math.abs(aheadMs) > correctionMs) diagnostics.publish('day:clock-step', { aheadMs, isAccepted: true })
    acceptedOffset = offset
    pendingStep = undefined
  }

  function acceptedNow(): number {
    return Math.min(clock.now(), acceptedOffset + clock.elapsed())
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

  function dayAt(nowMs: number): UsageDay {
    if (nowMs >= startMs && nowMs < endMs) return day
    readTime()
    // A small step back over midnight must not reopen the previous day, which may be closed already.
    if (nowMs < startMs && startMs - nowMs <= correctionMs) return day
    const isFarAhead = nowMs - acceptedNow() > longestSleepMs
    enter(isFarAhead ? acceptedNow() : nowMs)
    return day
  }

  return {
    today: () => dayAt(clock.now()),
    todayIfLasting() {
      const nowMs = clock.now()
      const today = dayAt(nowMs)
      return nowMs >= startMs && nowMs < endMs - lastingMs ? today : undefined
    },
    isSet: () => clock.now() >= earliestMs,
    isDue(day) {
      readTime()
      return days.bounds(day).endMs + graceMs <= acceptedNow()
    },
    confirmClock(epochMs) {
      readTime()
      if (pendingStep !== undefined && Math.abs(epochMs - clock.now()) <= agreementMs)
        accept(pendingStep.offset)
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
