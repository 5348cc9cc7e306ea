import { type Clock, createPacedTask } from '../clock.ts'
import type { DayTables } from '../counting/day-tables.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { storeError, textWithReason, type UsageError } from '../errors.ts'
import type { UsageDay } from '../model/series.ts'
import type { DayClose, Store } from '../model/store.ts'
import { createDayClock, type DayClock } from './day-clock.ts'
import type { UsageDays } from './usage-day.ts'

/** How soon a store that could not take a batch is offered it again. */
const storeRetryMs = 1_000
/** Under load a write for each turn of the event loop was half of what the file store costs a server: a turn has few calls. */
const storePauseMs = 1

/** Takes what is counted to the store, and closes the days that are over. */
export interface DayCycle extends Pick<DayClock, 'today' | 'isDue' | 'confirmClock'> {
  /** From now on days are closed when they are due. */
  start(tasks: DayTasks): void
  /** No day falls due by itself any more. */
  stop(): void
  /** Something was counted: it is stored at the end of this turn of the event loop, or after the time the store grants. */
  storeSoon(): void
  /** No more storing of its own accord. */
  cancelStoring(): void
  /** Hands everything counted so far to the store. @throws {UsageError} when the store fails; the counts stay and are offered again */
  persist(): Promise<void>
  /** Stores what was counted until now and closes what is due by now. One at a time; who asks meanwhile shares the next. */
  work(): Promise<void>
  /** Closes every day, due or not: for a store that keeps nothing. */
  closeAll(): Promise<void>
  /** Resolves when no work is going on. */
  idle(): Promise<void>
}

interface DayCycleSettings {
  clock: Clock
  days: UsageDays
  graceMs: number
  store: Store
  /** Resolves when the store is open. @throws {UsageError} as long as it cannot be */
  opened(): Promise<void>
  tables: DayTables
  diagnostics: Diagnostics
}

/** What is done with a day. Handed over at the start, as it is made of parts that need to know the day. */
interface DayTasks {
  /** Adds what is read of a day that has ended, before it is closed. @throws {UsageError} when the store fails */
  collect(): Promise<void>
  /** Makes the lines of a day, as one step. */
  close(day: UsageDay): Promise<DayClose>
  /** What is to be done when all that was due is closed. @throws {UsageError} when the store fails */
  closed(): Promise<void>
  /** Asked at each tick, after the work that was due. */
  onTick(): void
}

export function createDayCycle(settings: DayCycleSettings): DayCycle {
  const { clock, days, graceMs, store, opened, tables, diagnostics } = settings
  const dayClock = createDayClock({ clock, days, graceMs, diagnostics, wake })
  let tasks: DayTasks
  const storing = createPacedTask(storeNow, storePauseMs)
  let cancelStoring: (() => void) | undefined
  let failingSinceMs: number | undefined
  let working: Promise<void> | undefined
  let nextWork: Promise<void> | undefined

  /** Gives an error to the app's `onError`, and back to whoever awaits. */
  function tell(message: string, cause: unknown): UsageError {
    const error = storeError(message, cause)
    diagnostics.report(error)
    return error
  }

  function storeNow(): void {
    cancelStoring = undefined
    void persist().catch(() => {})
  }

  function warnOfUnsetClock(): void {
    diagnostics.warn(
      'PXU_WRN_DAY_CLOCK_UNSET',
      `The clock of this machine shows ${new Date(clock.now()).toISOString().slice(0, 10)}, which cannot be right. Calls wait in memory until it is set, and count for the day that it shows then. Check its time service.`,
    )
  }

  async function persist(): Promise<void> {
    try {
      if (dayClock.isSet()) tables.date(dayClock.today())
      else warnOfUnsetClock()
      await tables.store()
      failingSinceMs = undefined
    } catch (error) {
      cancelStoring ??= clock.setTimer(storeNow, storeRetryMs)
      failingSinceMs ??= clock.now()
      throw await reportWaiting(error, failingSinceMs)
    }
  }

  /** Of a store that is not open, the reason is why it could not be opened. */
  async function reportWaiting(cause: unknown, sinceMs: number): Promise<UsageError> {
    const reason = await opened().then(
      () => cause,
      (notOpened: unknown) => notOpened,
    )
    const error = storeError('The store failed; it is tried again.', reason)
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

  /** One day that fails, as a file of it is damaged, must not keep the others open. @throws the first failure, at the end */
  async function closeDays(isToClose: (day: UsageDay) => boolean): Promise<void> {
    const failures: unknown[] = []
    const note = (error: unknown) => void failures.push(error)
    const counted = tables.days()
    // A day that falls due only while others are closed was not sealed, and waits for the next time.
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
      if (result.revision > 0) tellLateCounts(day, result.calls)
    }
  }

  /** Nothing is known of a day that has ended as long as counts of it wait in memory. */
  function isAllStored(): boolean {
    return !tables.days().some(dayClock.isDue)
  }

  /** Stores and closes what can be; a failure of one day keeps nothing from the others. @throws {UsageError} the first failure */
  async function storeAndClose(): Promise<void> {
    await opened()
    const failures: UsageError[] = []
    await persist().catch((error: UsageError) => void failures.push(error))
    const note = (error: unknown) =>
      void failures.push(tell('A day could not be closed; it is tried again.', error))
    if (dayClock.isSet())
      await tasks
        .collect()
        .then(() => closeDays(dayClock.isDue))
        .catch(note)
    if (isAllStored()) await tasks.closed().catch(note)
    if (failures.length > 0) throw failures[0]
  }

  function tellLateCounts(day: UsageDay, calls: number): void {
    diagnostics.warn(
      'PXU_WRN_DAY_LATE_COUNTS',
      `Counts of ${day} (${calls} calls) came after it was closed, so they are an event of their own with a \`revision\`: PX's Sum of the day is right, its Average of those users is not. The clock may have been set back, or the store out of order for longer than graceMs.`,
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

  /** What is going on looked at the clock before it was asked for, so it is no answer: the next round is. */
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
    today: dayClock.today,
    isDue: dayClock.isDue,
    confirmClock: dayClock.confirmClock,
    start(given) {
      tasks = given
      dayClock.start()
    },
    stop: dayClock.stop,
    storeSoon() {
      if (cancelStoring !== undefined) return
      const { flushAfterMs } = store
      cancelStoring = flushAfterMs === 0 ? storing.runSoon() : clock.setTimer(storeNow, flushAfterMs)
    },
    cancelStoring: () => cancelStoring?.(),
    persist,
    work,
    closeAll: () => closeDays(() => true),
    idle: () => Promise.resolve(nextWork ?? working),
  }
}
