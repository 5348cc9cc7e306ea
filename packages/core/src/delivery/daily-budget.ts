import type { Clock } from '../clock.ts'
import { decodeChecked } from '../files/checked-json.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { StoreReader } from '../model/store-reader.ts'

/** The budget of requests to PX per day. */
export interface DailyBudget {
  /** Spends one request, and returns whether today's budget had one left. Calls must not overlap. @throws {UsageError} if the store fails */
  spend(): Promise<boolean>
  /** Notes the requests that were really made. Without it, a whole reserved block counts after a restart. */
  settle(): Promise<void>
  /** Returns the number of requests today. */
  spent(): number
  /** Returns the number of requests that are left today. */
  left(): number
  /** Returns the time until the budget renews, in milliseconds. */
  untilNextDayMs(): number
}

const noteName = 'delivery requests'
const dayMs = 86_400_000
type Spent = [day: number, spent: number]

function isSpent(value: unknown): value is Spent {
  return Array.isArray(value) && value.length === 2 && value.every((count) => Number.isSafeInteger(count))
}

/**
 * Creates the budget, which the processes that share a store have together. It survives restarts: blocks of requests are noted in the
 * store before they are spent, so that after a crash the count is slightly too high and never too low.
 *
 * Its day is a UTC day, because PX does not document when its own day begins.
 */
export function createDailyBudget({
  notes,
  clock,
  perDay,
}: {
  notes: Notes
  clock: Clock
  perDay: number
}): DailyBudget {
  const note = createNote(notes, noteName, isSpent)
  const block = Math.min(Math.max(Math.floor(perDay / 1_000), 1), 1_000)
  let day = Number.NaN
  let spent = 0
  let setAside = 0

  function today(): number {
    return Math.floor(clock.now() / dayMs)
  }

  async function recall(): Promise<void> {
    ;[day, spent] = (await note.read()) ?? [today(), 0]
    setAside = spent
  }

  /** Counts what other processes that share the store have spent since this one last noted its requests. */
  async function learnOthers(): Promise<void> {
    const [notedDay, noted] = (await note.read()) ?? [day, 0]
    if (notedDay === day) spent = Math.max(spent, noted)
  }

  /** Begins a new day if the date has changed. A clock that steps back over midnight would give the previous day a second budget. */
  function turnDay(): void {
    if (today() === day || today() === day - 1) return
    day = today()
    spent = 0
    setAside = 0
  }

  return {
    async spend() {
      if (Number.isNaN(day)) await recall()
      turnDay()
      if (spent >= setAside) await learnOthers()
      if (spent >= perDay) return false
      if (spent >= setAside) {
        const wanted = Math.min(spent + block, perDay)
        await note.write([day, wanted])
        setAside = wanted
      }
      spent += 1
      return true
    },

    async settle() {
      if (setAside === spent) return
      const noted = await note.read()
      // Another process has spent more meanwhile, and its number is the right one.
      if (noted?.[0] !== day || noted[1] !== setAside) return
      await note.write([day, spent])
      setAside = spent
    },

    spent: () => (today() > day ? 0 : spent),
    left: () => perDay - (today() > day ? 0 : Math.min(spent, perDay)),
    untilNextDayMs: () => (Math.max(day, today()) + 1) * dayMs - clock.now(),
  }
}

/** Returns the requests of a UTC day that a store has noted: slightly too many while a process sends, and after a crash. */
export async function readRequestsToday(
  reader: Pick<StoreReader, 'readNote'>,
  nowMs: number,
): Promise<number> {
  const text = await reader.readNote(noteName)
  const [day, spent] = (text === undefined ? undefined : decodeChecked(text, isSpent)) ?? [0, 0]
  return day === Math.floor(nowMs / dayMs) ? spent : 0
}
