import type { UsageDay } from '@px-usage/core'
import type { Backfill, BackfilledDay } from './ledger.ts'
import type { DayMark } from './reconciliation.ts'

/** What happens to a day of the logs. */
export interface DayPlan {
  readonly day: UsageDay
  readonly action: 'queue' | 'already queued' | 'refused'
  readonly revision: number
  /** Why it is refused, or what the revision means; `''` for a day that is simply queued. */
  readonly reason: string
  /** The events of the day that an interrupted backfill of the same log has queued. */
  readonly queued: number
}

export interface PlanSettings {
  /** The name of the backfill that is planned. */
  readonly name: string
  readonly marks: ReadonlyMap<UsageDay, DayMark>
  readonly known: readonly Backfill[]
  /** Days that the service counts, or has not closed yet. */
  readonly openDays: readonly UsageDay[]
  /** How often the service closed each day. */
  readonly revisions: ReadonlyMap<UsageDay, number>
  /** Whether a day that was closed or queued before gets a revision instead of being refused. */
  readonly mayRevise: boolean
}

/** Decides for each day whether its calls can be queued, so that no call is sent twice. */
export function planDays(days: readonly UsageDay[], settings: PlanSettings): DayPlan[] {
  return days.map((day) => planDay(day, settings))
}

function planDay(day: UsageDay, settings: PlanSettings): DayPlan {
  const { name, marks, known, openDays, revisions, mayRevise } = settings
  const earlier = known.filter(({ revertedAtMs }) => revertedAtMs === undefined)
  const before = earlier.flatMap(({ name: by, days }) =>
    days.filter((one) => one.day === day).map((one) => ({ ...one, by })),
  )
  const same = before.find((one) => isSame(one, marks.get(day)))
  if (same !== undefined) {
    const { by, queued, events, revision } = same
    if (by === name && queued < events) return { day, action: 'queue', revision, reason: 'continued', queued }
    return { day, action: 'already queued', revision, reason: `by ${by}`, queued }
  }
  const refused = (reason: string): DayPlan => ({ day, action: 'refused', revision: 0, reason, queued: 0 })
  const sent = known.find(({ revertedAtMs, days }) => revertedAtMs !== undefined && days.some(isSentOf(day)))
  if (sent !== undefined) return refused(`${sent.name} had sent events of it when it was reverted`)
  if (openDays.includes(day)) return refused('the service has not closed it yet')
  const closed = revisions.get(day) ?? 0
  const revision = closed + before.length
  if (revision === 0) return { day, action: 'queue', revision, reason: '', queued: 0 }
  const reason = closed > 0 ? 'the service closed it' : `${before[0]?.by} has other calls of it`
  if (!mayRevise) return refused(reason)
  return { day, action: 'queue', revision, reason: `revision ${revision}: ${reason}`, queued: 0 }
}

/** Whether events of a day were sent before its backfill was reverted. They cannot be taken back, and must not be sent again. */
function isSentOf(day: UsageDay): (one: BackfilledDay) => boolean {
  return (one) => one.day === day && one.queued > (one.withdrawn ?? 0)
}

function isSame(one: DayMark, other: DayMark | undefined): boolean {
  if (other === undefined) return false
  return one.lines === other.lines && one.bytes === other.bytes && one.checksum === other.checksum
}

/** Returns the name of the interrupted backfill of the same logs, if there is one. It is continued under its name. */
export function interruptedName(
  known: readonly Backfill[],
  marks: ReadonlyMap<UsageDay, DayMark>,
): string | undefined {
  const found = known.find(
    ({ revertedAtMs, days }) =>
      revertedAtMs === undefined &&
      days.some((one) => one.queued < one.events && isSame(one, marks.get(one.day))),
  )
  return found?.name
}
