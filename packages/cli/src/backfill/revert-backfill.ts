import { setTimeout as wait } from 'node:timers/promises'
import type { Store, UsageDay } from '@px-usage/core'
import { backfillOf, withdrawBackfill } from '@px-usage/core/adapter'
import type { Backfill, Ledger } from './ledger.ts'

/** The events of a backfill by what became of them. */
export interface BackfillState {
  readonly queued: number
  /** Delivered to PX. They cannot be withdrawn. */
  readonly delivered: number
  readonly pending: number
  readonly unconfirmed: number
  readonly rejected: number
  readonly withdrawn: number
}

type Waiting = Map<UsageDay, { pending: number; unconfirmed: number; rejected: number }>

/** Returns the undelivered events of backfills, by name and day. Reads the outbox once. */
export async function waitingOf(
  store: Pick<Store, 'waiting' | 'rejected'>,
  names: readonly string[],
): Promise<Map<string, Waiting>> {
  const found = new Map(names.map((name) => [name, new Map() as Waiting]))
  const count = (body: string, day: UsageDay, state: 'pending' | 'unconfirmed' | 'rejected') => {
    const days = found.get(backfillOf(body) ?? '')
    if (days === undefined) return
    const of = days.get(day) ?? { pending: 0, unconfirmed: 0, rejected: 0 }
    of[state] += 1
    days.set(day, of)
  }
  for await (const { body, day, state } of store.waiting()) count(body, day, state)
  for await (const { body, day } of store.rejected()) count(body, day, 'rejected')
  return found
}

/** Returns what became of the events of a backfill. @param waiting what `waitingOf` found of it */
export function stateOf({ days, revertedAtMs }: Backfill, waiting: Waiting): BackfillState {
  const sum = (values: Iterable<number>) => [...values].reduce((all, one) => all + one, 0)
  const queued = sum(days.map((day) => day.queued))
  const withdrawn = sum(days.map((day) => day.withdrawn ?? 0))
  const states = [...waiting.values()]
  const unconfirmed = sum(states.map((of) => of.unconfirmed))
  const rejected = sum(states.map((of) => of.rejected))
  // Events of a reverted backfill are in the outbox until the process that sends removes them.
  const pending = revertedAtMs === undefined ? sum(states.map((of) => of.pending)) : 0
  const delivered = Math.max(0, queued - withdrawn - pending - unconfirmed - rejected)
  return { queued, delivered, pending, unconfirmed, rejected, withdrawn }
}

/** How long a sender may take from reading that a backfill is not withdrawn to recording its attempts, with a wide margin: 2 s. */
const attemptsRecordedMs = 2_000

/**
 * Withdraws what of a backfill was not sent yet. The process that sends removes these events when it comes to them, also if
 * that is later.
 */
export async function revertBackfill(
  { store, ledger, now }: { store: Store; ledger: Ledger; now(): number },
  backfill: Backfill,
  waitMs: number = attemptsRecordedMs,
): Promise<BackfillState> {
  await withdrawBackfill(store, backfill.name)
  // An event that is being sent would otherwise count as withdrawn.
  await wait(waitMs)
  const waiting = (await waitingOf(store, [backfill.name])).get(backfill.name) ?? new Map()
  const days = backfill.days.map((one) => ({ ...one, withdrawn: waiting.get(one.day)?.pending ?? 0 }))
  const reverted = { ...backfill, days, revertedAtMs: now() }
  await ledger.write(reverted)
  return stateOf(reverted, waiting)
}
