import { createPacedTask, systemClock } from '../clock.ts'
import type { DayTables } from '../counting/day-tables.ts'
import { storeError, textWithReason, type UsageError } from '../errors.ts'
import type { UsageDay } from '../model/series.ts'
import type { DayClose, Store } from '../model/store.ts'
import { createDayClock, type DayClock, type DayClockSettings } from './day-clock.ts'

/** The delay before counts that the store could not take are offered again: 1000 ms (1 second). */
const storeRetryMs = 1_000
/**
 * The longest pause between two writes: 2 ms. Under load, one write for each turn was half of the cost of the file store. With a
 * clock of the app's own there is no pause: its time may stand still while a test waits for its counts.
 */
const storePauseMs = 2

/** Stores what was counted, and closes the days that are due. */
export interface DayCycle extends Pick<DayClock, 'today' | 'isDue' | 'confirmClock'> {
  /** Starts to close days when they are due. */
  start(tasks: DayTasks): void
  /** Stops closing days when they are due. */
  stop(): void
  /** Schedules storing of what was counted: at the end of this turn of the event loop, or after the store's `flushAfterMs`. */
  storeSoon(): void
  /** Cancels scheduled storing. */
  cancelStoring(): void
  /** Stores everything that was counted so far. @throws {UsageError} if the store fails; the counts stay in memory and are offered again */
  persist(): Promise<void>
  /** Stores what was counted and closes the days that are due now. Runs do not overlap: calls during a run share the next one. */
  work(): Promise<void>
  /** Closes every day, due or not, for a store that is not durable. */
  closeAll(): Promise<void>
  /** Resolves when no run is in progress. */
  idle(): Promise<void>
}

interface DayCycleSettings extends Omit<DayClockSettings, 'wake'> {
  store: Store
  /** Resolves when the store is open. @throws {UsageError} if the last attempt to open it failed */
  opened(): Promise<void>
  tables: DayTables
}

/** What the cycle does with a day. `start()` receives it, because its parts need the day themselves. */
interface DayTasks {
  /** Reads the observable gauges of a day that has ended, before it is closed. @throws {UsageError} if the store fails */
  collect(): Promise<void>
  /** Closes a day in one step. */
  close(day: UsageDay): Promise<DayClose>
  /** Runs after all due days were closed. @throws {UsageError} if the store fails */
  closed(): Promise<void>
  /** Called at each tick, after the work that was due. */
  onTick(): void
}

/** Creates the cycle of days of a meter. */
export function createDayCycle(settings: DayCycleSettings): DayCycle {
  const { clock, days, graceMs, store, opened, tables, diagnostics } = settings
  const dayClock = createDayClock({ clock, days, graceMs, diagnostics, wake })
  let tasks: DayTasks
  const storing = createPacedTask(storeNow, clock === systemClock ? storePauseMs : 0)
  let cancelStoring: (() => void) | undefined
  /**
   * The usage day of the calls that wait for the next write. Reading the clock took half of the time to record a call. It is not kept
   * for longer than a turn or the pause between two writes, and not with a clock of the app's own, which may move within a turn.
   */
  let heldDay: UsageDay | undefined
  /** Whether what is scheduled is the retry after a failure. */
  let isRetrying = false
  let failingSinceMs: number | undefined
  let working: Promise<void> | undefined
  let nextWork: Promise<void> | undefined

  /** Reports a failure, and returns its error for the caller that awaits the run. */
  function reported(message: string, cause: unknown): UsageError {
    const error = storeError(message, cause)
    diagnostics.report(error)
    return error
  }

  function storeNow(): void {
    cancelStoring = undefined
    heldDay = undefined
    isRetrying = false
    void persist().catch(() => {})
  }

  function warnOfUnsetClock(): void {
    diagnostics.warn(
      'PXU_WRN_DAY_CLOCK_UNSET',
      `The clock of this machine shows ${new Date(clock.now()).toISOString().slice(0, 10)}, which cannot be right. Calls wait in memory until it is set, and then count into the day that it shows. Check the time service of the machine.`,
    )
  }

  async function persist(): Promise<void> {
    try {
      if (dayClock.isSet()) tables.date(dayClock.today())
      else warnOfUnsetClock()
      await tables.store()
      failingSinceMs = undefined
      endRetry()
    } catch (error) {
      if (cancelStoring === undefined) {
        cancelStoring = clock.setTimer(storeNow, storeRetryMs)
        isRetrying = true
      }
      failingSinceMs ??= clock.now()
      throw await reportWaiting(error, failingSinceMs)
    }
  }

  /** Ends the wait for a retry once the store works again. Otherwise calls would wait for it too, and a crash would lose them. */
  function endRetry(): void {
    if (!isRetrying) return
    cancelStoring?.()
    cancelStoring = undefined
    isRetrying = false
    if (tables.unstored() > 0) storeSoon()
  }

  function storeSoon(): void {
    if (cancelStoring !== undefined) return
    const { flushAfterMs } = store
    if (flushAfterMs === 0) {
      cancelStoring = storing.runSoon()
      if (clock === systemClock) heldDay = dayClock.todayIfLasting()
    } else cancelStoring = clock.setTimer(storeNow, flushAfterMs)
  }

  /** Reports how many calls wait in memory, and why. For a store that is not open, the reason is why it could not be opened. */
  async function reportWaiting(cause: unknown, sinceMs: number): Promise<UsageError> {
    const reason = await opened().then(
      () => cause,
      (notOpened: unknown) => notOpened,
    )
    const error = storeError('The store failed; px-usage will retry.', reason)
    const calls = tables.unstored()
    const since = new Date(sinceMs).toISOString().slice(11, 16)
    const waiting = `${calls} ${calls === 1 ? 'call waits' : 'calls wait'} in memory since ${since} UTC.`
    diagnostics.report({
      code: error.code,
      message: `${textWithReason(error)} ${waiting}`,
      cause: error.cause,
    })
    return error
  }

  /** Closes days. A day that fails, for example because of a damaged file, does not stop the others. @throws the first failure, at the end */
  async function closeDays(isToClose: (day: UsageDay) => boolean): Promise<void> {
    const failures: unknown[] = []
    const note = (error: unknown) => void failures.push(error)
    const counted = tables.days()
    // A day that becomes due while others are being closed was not sealed, so it is left for the next run.
    const unsealed = new Set(counted.filter((day) => !isToClose(day)))
    for (const day of counted) {
      if (unsealed.has(day)) continue
      await tables.seal(day).catch((error: unknown) => {
        unsealed.add(day)
        note(error)
      })
    }
    for (const day of await store.openDays()) if (!unsealed.has(day)) await closeOne(day).catch(note)
    if (failures.length > 0) throw failures[0]

    async function closeOne(day: UsageDay): Promise<void> {
      if (!isToClose(day)) return
      const result = await tasks.close(day)
      if (result.outcome !== 'closed') return
      diagnostics.publish('day:closed', { day, ...result })
      if (result.revision > 0) warnOfLateCounts(day, result.calls)
    }
  }

  /** Returns whether no counts of due days wait in memory. Otherwise such a day might look empty. */
  function isAllStored(): boolean {
    return !tables.days().some(dayClock.isDue)
  }

  /** Stores counts and closes due days. A failure of one step does not stop the others. @throws {UsageError} the first failure */
  async function storeAndClose(): Promise<void> {
    await opened()
    const failures: UsageError[] = []
    await persist().catch((error: UsageError) => void failures.push(error))
    const note = (error: unknown) =>
      void failures.push(reported('A day could not be closed; px-usage will retry.', error))
    if (dayClock.isSet())
      await tasks
        .collect()
        .then(() => closeDays(dayClock.isDue))
        .catch(note)
    if (isAllStored()) await tasks.closed().catch(note)
    if (failures.length > 0) throw failures[0]
  }

  function warnOfLateCounts(day: UsageDay, calls: number): void {
    diagnostics.warn(
      'PXU_WRN_DAY_LATE_COUNTS',
      `Counts of ${day} (${calls} calls) came after it was closed, so px-usage sends them as a further event with a \`revision\`. PX's Sum of the day is right, but its Average for these users is not. Check whether the clock was set back, or the store failed for longer than graceMs.`,
    )
  }

  async function wake(): Promise<void> {
    await work().catch(() => {})
    tasks.onTick()
  }

  function startWork(): Promise<void> {
    tables.releaseIdle()
    working = storeAndClose().finally(() => {
      working = undefined
    })
    return working
  }

  /** Starts a run, or shares the next one: a run in progress has read the clock too early to include what is due now. */
  function work(): Promise<void> {
    if (working === undefined) return startWork()
    const startNext = () => {
      nextWork = undefined
      return startWork()
    }
    nextWork ??= working.then(startNext, startNext)
    return nextWork
  }

  return {
    today: () => heldDay ?? dayClock.today(),
    isDue: dayClock.isDue,
    confirmClock: dayClock.confirmClock,
    start(given) {
      tasks = given
      dayClock.start()
    },
    stop: dayClock.stop,
    storeSoon,
    cancelStoring() {
      cancelStoring?.()
      heldDay = undefined
    },
    persist,
    work,
    closeAll: () => closeDays(() => true),
    idle: () => Promise.resolve(nextWork ?? working),
  }
}
