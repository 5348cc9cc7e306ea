import type { UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'

/** What `close()` could neither send nor store, and why. */
export interface Loss {
  calls: number
  lines: number
  /** Calls whose `identify` or lookup had not returned. */
  unidentified: number
  store: Pick<Store, 'name' | 'durable'>
  /** The error of the store, if it failed. */
  storeError: unknown
  /** Why PX did not take the waiting lines, if there are any. */
  pxReason: string | undefined
  /** The timeout of `close()`, if it was exceeded. */
  timeoutMs: number | undefined
  waiting: WaitingInStore
  /** Days with counts that are not closed. */
  openDays: readonly UsageDay[]
}

interface WaitingInStore {
  calls: number
  days: readonly UsageDay[]
}

/** Returns the calls in the lines of a store that is not durable, and their days. Never rejects. */
export async function waitingInStore(store: Store): Promise<WaitingInStore> {
  const days = new Set<UsageDay>()
  let calls = 0
  try {
    if (!store.durable) {
      for await (const line of store.waiting()) {
        calls += line.calls
        days.add(line.day)
      }
    }
  } catch {
    // Lines that cannot be read are still part of the number of lines.
  }
  return { calls, days: [...days] }
}

/** Describes a loss at shutdown: what was lost, of which days, why, and how to prevent it. */
export function lossText(loss: Loss): string {
  const { lines, waiting, openDays, store } = loss
  const calls = loss.calls + waiting.calls
  const amounts = [
    ...(calls > 0 ? [amount(calls, 'call')] : []),
    ...(lines > 0 ? [amount(lines, 'event')] : []),
  ]
  const what = amounts.length === 2 ? `${amounts[0]} (${amounts[1]})` : amounts[0]
  const days = [...new Set([...waiting.days, ...openDays])].sort()
  const ofDays = days.length === 0 ? '' : ` of ${range(days)}`
  return `px-usage lost ${what}${ofDays} at shutdown: ${reasonsOf(loss).join('; ')}. ${cureOf(store)}`
}

function reasonsOf(loss: Loss): string[] {
  const { store, storeError, pxReason, unidentified, timeoutMs } = loss
  const reasons: string[] = []
  if (unidentified > 0) reasons.push(`${amount(unidentified, 'call')} waited for identify()`)
  if (storeError !== undefined)
    reasons.push(`the ${store.name} store could not be written (${messageOf(storeError)})`)
  if (pxReason !== undefined) reasons.push(withoutStop(pxReason))
  if (timeoutMs !== undefined) reasons.push(`the ${timeoutMs} ms of close() (timeoutMs) were not enough`)
  if (!store.durable) reasons.push(`the ${store.name} store is not durable`)
  return reasons.length === 0 ? ['they could not be stored in time'] : reasons
}

function cureOf(store: Loss['store']): string {
  return store.durable
    ? 'Check the folder, its permissions and the space on its disk.'
    : 'Use fileStore() to keep them until PX takes them.'
}

/** Returns the message of a store error's cause, which comes from the system and names what to fix. */
function messageOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: unknown }
  const text = cause instanceof Error ? cause.message : String(message ?? error)
  return withoutStop(text.replace(/ See https:\S+$/, ''))
}

function withoutStop(text: string): string {
  return text.trim().replace(/\.$/, '')
}

function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function range(days: readonly UsageDay[]): string {
  return days.length <= 2 ? days.join(' and ') : `${days[0]} to ${days.at(-1)}`
}
