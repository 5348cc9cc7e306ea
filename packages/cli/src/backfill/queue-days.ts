import { tmpdir } from 'node:os'
import type { Store } from '@px-usage/core'
import type { PastDays } from '@px-usage/core/adapter'
import { failedError } from '../exit-codes.ts'
import type { Backfill, Ledger } from './ledger.ts'
import { sortLines } from './sort-lines.ts'

/** Lines of one call of the store: about 400 KB. */
const linesPerPut = 1_000
/** The ledger is written after this many lines. A store remembers the ids of the last 10,000, so none is queued twice. */
const linesPerNote = 5_000

/**
 * Puts the lines of a backfill into the outbox. It can be interrupted: the ledger says how many lines of each day are queued, and the
 * next run continues there. Lines are in the order of their ids, totals first, which is the same in each run.
 *
 * @param onQueued called with the number of lines that were queued since the last call
 */
export async function queueDays(
  { store, ledger, past }: { store: Store; ledger: Ledger; past: PastDays },
  backfill: Backfill,
  onQueued: (lines: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  await ledger.write(backfill)
  for (const planned of backfill.days) {
    if (planned.queued >= planned.events) continue
    const { day, revision } = planned
    const lines = past.lines(day, { revision, backfill: backfill.name })
    let at = 0
    for await (const sorted of sortLines(lines, tmpdir(), linesPerPut)) {
      const part = sorted.slice(Math.max(0, planned.queued - at))
      at += sorted.length
      if (part.length === 0) continue
      await store.put(part)
      planned.queued += part.length
      onQueued(part.length)
      if (signal?.aborted && backfill.days.some((day) => day.queued < day.events)) {
        await ledger.write(backfill)
        throw failedError(
          'Interrupted. Run the same command again to queue the rest, or revert the backfill.',
        )
      }
      if (planned.queued % linesPerNote === 0) await ledger.write(backfill)
    }
    await ledger.write(backfill)
  }
}

/** Returns how many events and calls a day becomes. */
export async function sizeOf(
  past: PastDays,
  day: string,
  settings: { revision: number; backfill: string },
): Promise<{ events: number; calls: number }> {
  let events = 0
  let calls = 0
  for await (const line of past.lines(day, settings)) {
    events += 1
    calls += line.calls
  }
  return { events, calls }
}
