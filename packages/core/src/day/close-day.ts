import { saturationWarning } from '../counting/overflow.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { DayClose, Store } from '../model/store.ts'
import { type DayUsage, type Detail, type RollUpSettings, type Rollup, rollUp } from './rollup.ts'

export interface ClosingSettings {
  rollups: readonly Rollup[]
  timeZone: string
  /** The product key. */
  namespace: string
  /** Lines one close may make: beyond it the endpoints fold, totals stay. @default Infinity */
  maxLines?: number | undefined
  diagnostics: Diagnostics
  /** What else the first close of a day puts in the outbox. Late counts that come after it add nothing. */
  additions?(day: UsageDay): readonly Addition[]
  /** Freezes what one entity did into the line that is sent. */
  toLine(usage: DayUsage): OutboxLine
}

/** Lines of a day made of all its usages together. Run again after a crash, it makes the same. */
export interface Addition {
  see(usage: DayUsage): void
  lines(): Iterable<OutboxLine> | AsyncIterable<OutboxLine>
}

/** What became of closing a day, and of its lines by endpoint if it was closed. */
export type CloseResult = DayClose & { readonly detail?: Detail }

/**
 * Closes a day: what was counted of it becomes lines in the outbox, once, even if another process tries as well.
 */
export async function closeDay(store: Store, day: UsageDay, settings: ClosingSettings): Promise<CloseResult> {
  let detail: Detail = 'whole'
  const close = await store.closeDay(day, async function* (totals, revision) {
    const additions = revision === 0 ? (settings.additions?.(day) ?? []) : []
    const usages = rollUp(totals, rollUpSettings(day, revision, settings))
    let next = await usages.next()
    for (; !next.done; next = await usages.next()) {
      for (const addition of additions) addition.see(next.value)
      yield settings.toLine(next.value)
    }
    detail = next.value
    for (const addition of additions) yield* addition.lines()
  })
  return close.outcome === 'closed' ? { ...close, detail } : close
}

/** What closing the day now would make of it. Changes nothing. */
export async function* previewDay(
  store: Store,
  day: UsageDay,
  settings: ClosingSettings,
): AsyncGenerator<DayUsage> {
  yield* rollUp(store.totals(day), rollUpSettings(day, 0, settings))
}

function rollUpSettings(
  day: UsageDay,
  revision: number,
  { rollups, timeZone, namespace, maxLines, diagnostics }: ClosingSettings,
): RollUpSettings {
  const onSaturation = () => diagnostics.warn('PXU_WRN_COUNTING_SATURATED', saturationWarning)
  return { rollups, timeZone, namespace, maxLines, day, revision, onSaturation }
}
