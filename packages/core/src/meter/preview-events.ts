import { previewDay } from '../day/close-day.ts'
import type { Rollup } from '../day/rollup.ts'
import type { UsageDays } from '../day/usage-day.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { Store } from '../model/store.ts'
import { type PxEvent, rollupEvent } from '../px/px-event.ts'

export interface PreviewSettings {
  rollups: readonly Rollup[]
  productKey: string
  days: Pick<UsageDays, 'timeZone' | 'noon'>
  diagnostics: Diagnostics
}

/** Yields the bodies of the events that closing the day now would send, from what the store has of it. Changes nothing. */
export async function* previewEvents(
  store: Pick<Store, 'totals'>,
  day: string,
  { rollups, productKey, days, diagnostics }: PreviewSettings,
): AsyncGenerator<PxEvent> {
  const { timeZone, noon } = days
  const closing = { rollups, timeZone, namespace: productKey, diagnostics }
  for await (const usage of previewDay(store, day, closing)) {
    yield rollupEvent(usage, { productKey, timeZone, noon })
  }
}
