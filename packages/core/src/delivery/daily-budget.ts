import type { Clock } from '../clock.ts'
import { createNote, type Notes } from '../files/note.ts'

export interface DailyBudget {
  /** One call at a time. @returns whether one more request may be made today. @throws {UsageError} when the store fails */
  spend(): Promise<boolean>
  /** Notes what was really spent; until then a crash counts the whole block that was set aside. */
  settle(): Promise<void>
  spent(): number
  left(): number
  /** How long until the next day of the budget, in ms. */
  untilNextDayMs(): number
}

const dayMs = 86_400_000
type Spent = [day: number, spent: number]

function isSpent(value: unknown): value is Spent {
  return Array.isArray(value) && value.length === 2 && value.every((count) => Number.isSafeInteger(count))
}

/**
 * Requests per day, remembered over restarts. Blocks are set aside in the store before they are spent, so that a crash counts
 * some too many and never one too few.
 *
 * Its day is that of UTC: PX does not say when its own begins (nor whether it is a calendar day), so any is as good.
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
  const note = createNote(notes, 'delivery requests', isSpent)
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

  /** A clock that steps back over midnight does not give the day before a second budget. */
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
      await note.write([day, spent])
      setAside = spent
    },

    spent: () => (today() > day ? 0 : spent),
    left: () => perDay - (today() > day ? 0 : Math.min(spent, perDay)),
    untilNextDayMs: () => (Math.max(day, today()) + 1) * dayMs - clock.now(),
  }
}
