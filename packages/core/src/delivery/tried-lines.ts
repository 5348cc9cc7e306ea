import type { Clock } from '../clock.ts'
import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

type Line = Pick<ClaimedLine, 'id' | 'day'>

/** The lines that this process tried to send. After a restart it begins empty. */
export interface TriedLines {
  /** Notes a line that waits. The time of its first note counts. */
  hold(line: Line): void
  /** Notes what became of some of the lines. */
  settled(settlements: readonly Settlement[], lines: readonly Line[]): void
  /** Forgets a line that was withdrawn. */
  forget(id: string): void
  /** Forgets the lines that wait, because the outbox has no lines or another process sends them. */
  clear(): void
  /** Returns how many lines were delivered. */
  delivered(): number
  /** Returns the oldest day of the lines that wait. */
  oldestDay(): UsageDay | undefined
  /** Returns how long the first of the lines has waited, in milliseconds; 0 if no line waits. */
  longestWaitMs(): number
}

/** Creates the list for one sender. */
export function createTriedLines(clock: Pick<Clock, 'elapsed'>): TriedLines {
  /** The lines that wait, by id, in the order in which they were noted first. */
  const waiting = new Map<string, { day: UsageDay; sinceMs: number }>()
  let delivered = 0

  function hold({ id, day }: Line): void {
    if (!waiting.has(id)) waiting.set(id, { day, sinceMs: clock.elapsed() })
  }

  return {
    hold,
    settled(settlements, lines) {
      const states = new Map(settlements.map(({ id, state }) => [id, state]))
      for (const line of lines) {
        const state = states.get(line.id)
        if (state === 'delivered') delivered += 1
        if (state === 'delivered' || state === 'rejected') waiting.delete(line.id)
        else if (state !== undefined) hold(line)
      }
    },
    forget: (id) => void waiting.delete(id),
    clear: () => waiting.clear(),
    delivered: () => delivered,
    oldestDay: () => Array.from(waiting.values(), ({ day }) => day).sort()[0],
    longestWaitMs() {
      const [first] = waiting.values()
      return first === undefined ? 0 : clock.elapsed() - first.sinceMs
    },
  }
}
