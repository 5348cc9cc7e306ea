import type { OpenDay, StoreSender, UsageDays } from '@px-usage/core/adapter'
import { formatDuration } from '../terminal-text.ts'

/**
 * Says why a day is not closed.
 *
 * @param graceMs the delay of the service after the end of a day
 */
export function waitingReason(
  { day, revision, writers }: OpenDay,
  at: { nowMs: number; days: Pick<UsageDays, 'bounds'>; graceMs: number; sender: StoreSender | undefined },
): string {
  const { nowMs, days, graceMs, sender } = at
  const { endMs } = days.bounds(day)
  if (nowMs < endMs) return `open, ends in ${formatDuration(endMs - nowMs)}`
  if (nowMs < endMs + graceMs) return `over, closes in ${formatDuration(endMs + graceMs - nowMs)}`
  const why = revision > 0 ? 'late counts: ' : ''
  const busy = writers.filter(({ state }) => state !== 'done')
  if (sender?.state !== 'alive' && busy.length === 0) return `${why}due, but no process runs that closes it`
  if (busy.length === 0) return `${why}due, closes at the next check`
  const hidden = busy.filter(({ state }) => state === 'unseen')
  const where = hidden.length > 0 ? `, ${hidden.length} of them on hosts that this one cannot see` : ''
  const noun = busy.length === 1 ? 'a process' : `${busy.length} processes`
  return `${why}due, waits for ${noun} that may still count on it${where}`
}
