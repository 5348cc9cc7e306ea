import type { CountBatch, UsageDay } from '../model/series.ts'
import type { SeriesLimits } from './overflow.ts'
import type { SeriesTable } from './series-table.ts'

type Visits = CountBatch['forEach']

/** Detects when most series of a table are idle, so that a new table can replace it. */
export interface IdleSeries {
  /** Passes visits on, and notes the visited series as active. Costs nothing while a table is small. */
  watch(table: Pick<SeriesTable, 'size'>, visits: Visits): Visits
  /** Keeps a table that has folded, so a user's day is never split between `(overflow)` and the user. */
  keep(table: object): void
  /** Returns whether a table may be released from memory once all of it is stored. */
  mayRelease(day: UsageDay, table: Pick<SeriesTable, 'size' | 'changed'>): boolean
  /** Forgets a day that is sealed. */
  forget(day: UsageDay): void
}

/** A series without a call for this long, 900000 ms (15 minutes), counts as idle. */
const idleMs = 900_000
/** Smaller tables are kept: they take a megabyte or two at most. */
const fewestSeries = 10_000
/**
 * Eviction stops after 4 x `limits.series` evicted series: a series that returns is described in the journal again, and all of
 * them must be read again when the day closes.
 */
const mostEvicted = 4

interface Activity {
  sinceMs: number
  /** One bit for each series that was visited since then. */
  bits: Uint32Array
  count: number
  isKept: boolean
}

/** Creates the detection for one meter. @param elapsed monotonic time, ms */
export function createIdleSeries(limits: SeriesLimits, elapsed: () => number): IdleSeries {
  const activities = new WeakMap<object, Activity>()
  /** Number of evicted series by day. */
  const evicted = new Map<UsageDay, number>()

  function activityOf(table: object): Activity {
    let activity = activities.get(table)
    if (activity === undefined) {
      activity = { sinceMs: elapsed(), bits: new Uint32Array(128), count: 0, isKept: false }
      activities.set(table, activity)
    }
    return activity
  }

  return {
    watch(table, visits) {
      if (table.size < fewestSeries) return visits
      const activity = activityOf(table)
      return (visit) =>
        visits((id, gained) => {
          note(activity, id)
          visit(id, gained)
        })
    },

    keep(table) {
      activityOf(table).isKept = true
    },

    mayRelease(day, table) {
      if (table.size < fewestSeries) return false
      const activity = activityOf(table)
      if (elapsed() - activity.sinceMs < idleMs) return false
      const active = activity.count + table.changed
      activity.sinceMs = elapsed()
      activity.bits.fill(0)
      activity.count = 0
      if (activity.isKept || table.size < 2 * active) return false
      const total = (evicted.get(day) ?? 0) + table.size
      if (total > mostEvicted * limits.series) return false
      evicted.set(day, total)
      return true
    },

    forget: (day) => void evicted.delete(day),
  }
}

function note(activity: Activity, id: number): void {
  const at = id >>> 5
  if (at >= activity.bits.length) {
    const larger = new Uint32Array(Math.max(activity.bits.length * 2, at + 1))
    larger.set(activity.bits)
    activity.bits = larger
  }
  const bit = 1 << (id & 31)
  const has = activity.bits[at] as number
  if ((has & bit) !== 0) return
  activity.bits[at] = has | bit
  activity.count += 1
}
