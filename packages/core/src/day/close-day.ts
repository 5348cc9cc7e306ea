import type { DayClose, OutboxLine, Store, UsageDay } from '../store/store.ts'
import { type DayUsage, type Rollup, rollUp } from './rollup.ts'

export interface ClosingSettings {
  rollups: readonly Rollup[]
  timeZone: string
  /** Freezes what one entity did into the line that is sent. */
  toLine(usage: DayUsage): OutboxLine
}

/** Closes a day: what was counted of it becomes lines in the outbox, once, even if another process tries as well. */
export function closeDay(store: Store, day: UsageDay, settings: ClosingSettings): Promise<DayClose> {
  const { rollups, timeZone, toLine } = settings
  return store.closeDay(day, async function* (totals, revision) {
    for await (const usage of rollUp(totals, { rollups, day, timeZone, revision })) yield toLine(usage)
  })
}

/** What closing the day now would make of it. Changes nothing. */
export async function* previewDay(
  store: Store,
  day: UsageDay,
  { rollups, timeZone }: Omit<ClosingSettings, 'toLine'>,
): AsyncGenerator<DayUsage> {
  yield* rollUp(store.totals(day), { rollups, day, timeZone, revision: 0 })
}
