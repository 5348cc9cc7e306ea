import type { Store, UsageDay } from '@px-usage/core'
import { createNote, readNote, type StoreReader } from '@px-usage/core/adapter'
import type { DayMark } from './reconciliation.ts'

/** A day of a backfill. */
export interface BackfilledDay extends Readonly<DayMark> {
  readonly day: UsageDay
  /** 0 if nothing of the day was sent before. */
  readonly revision: number
  readonly calls: number
  readonly events: number
  /** Events that the outbox has. It is less than `events` if the command was interrupted. */
  queued: number
  /** Events that were unsent when the backfill was reverted. */
  readonly withdrawn?: number
}

/** A backfill, as the store remembers it. */
export interface Backfill {
  readonly name: string
  readonly createdAtMs: number
  readonly logs: readonly string[]
  readonly days: readonly BackfilledDay[]
  /** When it was reverted. Then its unsent events are not sent, and days of which nothing was sent may be queued again. */
  readonly revertedAtMs?: number
}

/** The backfills of a store, oldest first. */
export interface Ledger {
  list(): Promise<Backfill[]>
  /** Adds a backfill, or replaces the one of that name. */
  write(backfill: Backfill): Promise<void>
}

const noteName = 'backfills'

export function createLedger(store: Pick<Store, 'readNote' | 'writeNote' | 'discardNote'>): Ledger {
  const note = createNote(store, noteName, isList)
  const list = async () => (await note.read()) ?? []
  return {
    list,
    async write(backfill) {
      const others = (await list()).filter(({ name }) => name !== backfill.name)
      await note.write([...others, backfill].sort((a, b) => a.createdAtMs - b.createdAtMs))
    },
  }
}

/** Returns the backfills of a store that is only read. */
export async function readLedger(reader: Pick<StoreReader, 'readNote'>): Promise<Backfill[]> {
  return (await readNote(reader, noteName, isList)) ?? []
}

function isList(value: unknown): value is Backfill[] {
  return Array.isArray(value) && value.every((one: Partial<Backfill> | null) => typeof one?.name === 'string')
}
