import type { Store } from '../model/store.ts'

const maxReasonLength = 300

/** Returns how many events wait and where, for the middle of a sentence. Only a durable store keeps them over a restart. */
export function waitingText(store: Pick<Store, 'durable' | 'place' | 'outboxCounts'>): string {
  const { pending, unconfirmed } = store.outboxCounts()
  const count = pending + unconfirmed
  const isOne = count === 1
  const events = `${count} event${isOne ? '' : 's'}`
  return store.durable
    ? `${events} ${isOne ? 'is' : 'are'} kept in ${placeOf(store)}`
    : `${events} ${isOne ? 'waits in memory and is' : 'wait in memory and are'} lost if the process exits`
}

/** Returns the place of a store, for messages. */
export function placeOf({ place }: Pick<Store, 'place'>): string {
  return place ?? 'the store'
}

/** Formats a duration in its largest unit, such as `5 min`. */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${Math.max(1, Math.round(ms / 1_000))} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 3_600_000)} h`
}

/** Formats a time as `2026-11-25 22:18 UTC`. */
export function minuteText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Shortens a reason for a message. The store keeps a longer text. */
export function shortened(reason: string): string {
  return reason.length > maxReasonLength ? `${reason.slice(0, maxReasonLength - 3)}...` : reason
}
