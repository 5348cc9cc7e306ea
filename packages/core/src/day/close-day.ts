import { saturationWarning } from '../counting/overflow.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { DayClose, Store } from '../model/store.ts'
import { type DayUsage, type Detail, type RollUpSettings, rollUp } from './rollup.ts'

/** The settings with which days are closed. */
export interface ClosingSettings
  extends Pick<RollUpSettings, 'rollups' | 'timeZone' | 'namespace' | 'maxLines'> {
  diagnostics: Diagnostics
  /** Returns what else the first close of a day puts into the outbox. Revisions for late counts add nothing. */
  additions?(day: UsageDay): readonly Addition[]
  /** Returns the outbox line of a usage. */
  toLine(usage: DayUsage): OutboxLine
}

/** The settings that decide which usages a day has. */
type PreviewedClosing = Pick<
  ClosingSettings,
  'rollups' | 'timeZone' | 'namespace' | 'maxLines' | 'diagnostics'
>

/** Creates lines from all usages of a day together. After a crash it runs again and creates the same lines. */
export interface Addition {
  see(usage: DayUsage): void
  lines(): Iterable<OutboxLine> | AsyncIterable<OutboxLine>
}

/** The result of closing a day. `detail` says what became of its lines by endpoint. */
export type CloseResult = DayClose & { readonly detail?: Detail }

/**
 * Closes a day: its counts become lines in the outbox. This happens once, even if another process tries too.
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

/** Yields the usages that closing the day now would create. Changes nothing. */
export async function* previewDay(
  store: Pick<Store, 'totals'>,
  day: UsageDay,
  settings: PreviewedClosing,
  revision = 0,
): AsyncGenerator<DayUsage> {
  yield* rollUp(store.totals(day), rollUpSettings(day, revision, settings))
}

function rollUpSettings(
  day: UsageDay,
  revision: number,
  { rollups, timeZone, namespace, maxLines, diagnostics }: PreviewedClosing,
): RollUpSettings {
  const onSaturation = () => diagnostics.warn('PXU_WRN_COUNTING_SATURATED', saturationWarning)
  return { rollups, timeZone, namespace, maxLines, day, revision, onSaturation }
}
