import { previewDay } from '../day/close-day.ts'
import type { Rollup } from '../day/rollup.ts'
import type { UsageDays } from '../day/usage-day.ts'
import { createDiagnostics, type Diagnostics } from '../diagnostics.ts'
import type { Store } from '../model/store.ts'
import { defaults } from '../options/parse-options.ts'
import { type PxEvent, rollupEvent } from '../px/px-event.ts'

export interface PreviewSettings {
  /** @default the default of the option `rollups` */
  rollups?: readonly Rollup[] | undefined
  /** 0 for a day that was not closed before. @default 0 */
  revision?: number | undefined
  productKey: string
  days: Pick<UsageDays, 'timeZone' | 'noon'>
  /** Receives the warning about a number that is too large. */
  diagnostics?: Diagnostics | undefined
}

/** Yields the bodies of the events that closing the day now would send, from what the store has of it. Changes nothing. */
export async function* previewEvents(
  store: Pick<Store, 'totals'>,
  day: string,
  settings: PreviewSettings,
): AsyncGenerator<PxEvent> {
  const { productKey, days, revision = 0 } = settings
  const { rollups = defaults.rollups, diagnostics = createDiagnostics() } = settings
  const { timeZone, noon } = days
  const closing = { rollups, timeZone, namespace: productKey, diagnostics }
  for await (const usage of previewDay(store, day, closing, revision)) {
    yield rollupEvent(usage, { productKey, timeZone, noon })
  }
}
