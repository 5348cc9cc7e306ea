import type { CountBatch, UsageDay } from '../model/series.ts'
import type { SeriesLimits } from './overflow.ts'
import type { SeriesTable } from './series-table.ts'

type Visits = CountBatch['forEach']

/** Tells when most series of a table have had no call for a while, so that a fresh one can take its place. */
export interface IdleSeries {
  /** Visits the same; what a store reads of it was active. Costs nothing as long as a table is small. */
  watch(table: Pick<SeriesTable, 'size'>, visits: Visits): Visits
  /** The table has folded: it stays, so that who was folded is not told apart later on the same day. */
  keep(table: object): void
  /** Whether the table is to leave memory once all of it is stored. */
  mayLeave(day: UsageDay, table: Pick<SeriesTable, 'size' | 'changed'>): boolean
  /** The day is over in this process. */
  forget(day: UsageDay): void
}

/** Who has not called for so long is likely to stay away for a while. */
const idleMs = 900_000
/** So few take a megabyte or two at most. */
const fewestSeries = 10_000
/**
 * Tables that left have made so many series at most, in multiples of the limit: one that comes back is described in the
 * journal again, and all are read when the day closes. Then the table stays.
 */
const mostTables = 4

interface Activity {
  sinceMs: number
  /** One bit for each series that was taken since then. */
  bits: Uint32Array
  count: number
  isKept: boolean
}

export function createIdleSeries(limits: SeriesLimits, elapsed: () => number): IdleSeries {
  const activities = new WeakMap<object, Activity>()
  /** Series made by tables that have left, by day. */
  const left = new Map<UsageDay, number>()

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

    mayLeave(day, table) {
      if (table.size < fewestSeries) return false
      const activity = activityOf(table)
      if (elapsed() - activity.sinceMs < idleMs) return false
      const active = activity.count + table.changed
      activity.sinceMs = elapsed()
      activity.bits.fill(0)
      activity.count = 0
      if (activity.isKept || table.size < 2 * active) return false
      const made = (left.get(day) ?? 0) + table.size
      if (made > mostTables * limits.series) return false
      left.set(day, made)
      return true
    },

    forget: (day) => void left.delete(day),
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
