import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { overflowId } from '../attribution/identity.ts'
import { eventLoopTurn } from '../clock.ts'
import { apiCalls } from '../counting/instruments.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { Identity } from '../model/identity.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { Properties, SeriesTotal, UsageDay } from '../model/series.ts'
import { sortedEntries } from '../model/sorted-entries.ts'
import type { Store } from '../model/store.ts'
import type { Addition, ClosingSettings } from './close-day.ts'
import type { DayClock } from './day-clock.ts'
import { type Rollup, rollUp } from './rollup.ts'
import type { UsageDays } from './usage-day.ts'

/**
 * Creates events with 0 for users who called on earlier days but not on this one. PX's Average divides by the number of events, so a
 * day without an event would raise it.
 */
export interface ZeroFill {
  /** Returns the zeros of a closing day, in addition to what was counted. */
  addition(day: UsageDay): Addition
  /**
   * Creates the zeros of days on which this process ran and no call came, so that there was nothing to close.
   *
   * @throws {UsageError} if the store fails; the zeros are created later then
   */
  fillEmptyDays(): Promise<void>
}

interface ZeroFillSettings
  extends Pick<DayClock, 'today' | 'isDue'>,
    Pick<ClosingSettings, 'rollups' | 'namespace' | 'toLine'> {
  /** How many days before a day are considered. */
  days: number
  /** The most identities (with their properties) that are remembered. The longest unseen ones are dropped. */
  maxIdentities: number
  usageDays: UsageDays
  store: Notes & Pick<Store, 'openDays' | 'put' | 'reserve'>
}

interface Seen {
  day: UsageDay
  identity: Identity
  properties: Properties
}

/** The identities and properties of recent calls, and the last day that has its zeros. */
interface Memory {
  through: UsageDay
  seen: Map<string, Seen>
}

const perTurn = 1_000
/** How long one process may take for the zeros of days without calls, before another one goes on with them: 300000 ms (5 minutes). */
const fillMs = 300_000
const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/**
 * Creates the zero fill. It keeps recent identities in a compressed note of the store, about 20 bytes for each of 100,000 identities.
 * The note is written before the lines of the day, and writing it twice changes nothing.
 *
 * A day on which no process ran gets no zeros: without a running process, px-usage cannot know that there were no calls.
 */
export function createZeroFill(settings: ZeroFillSettings): ZeroFill {
  const { days, maxIdentities, usageDays, store, today, isDue, toLine } = settings
  const { timeZone } = usageDays
  const note = createNote(store, 'zero fill', (value) => typeof value === 'string')
  /** How many zeros the outbox has of each recent day without calls. A store forgets the ids of many lines, so no line is put twice. */
  const putZeros = createNote(store, 'zeros of days without calls', isNumberOfEachDay)
  const rollup = settings.rollups.find(({ by }) => by === 'identity') as Rollup
  // Late counts of the day must be a line of their own, so zeros have other ids.
  const namespace = JSON.stringify(['zero fill', settings.namespace])
  /** The first day that may be empty. This process ran on it. */
  let nextEmpty = today()

  function firstOfWindow(day: UsageDay): UsageDay {
    let first = day
    for (let back = 0; back < days; back++) first = usageDays.before(first)
    return first
  }

  async function* zeros(day: UsageDay, { seen }: Memory, called: ReadonlySet<string>) {
    const first = firstOfWindow(day)
    const totals = function* (): Generator<SeriesTotal> {
      for (const [key, { day: seenOn, identity, properties }] of seen) {
        if (seenOn < first || seenOn >= day || called.has(key)) continue
        yield {
          series: { instrument: apiCalls, identity, properties },
          values: apiCalls.measures.map(() => 0),
        }
      }
    }
    const usages = rollUp(totals(), { rollups: [rollup], day, timeZone, namespace, revision: 0 })
    for await (const usage of usages) yield toLine(usage)
  }

  /** Notes the identities of a day, and drops those that no later day considers. */
  async function remember(memory: Memory, day: UsageDay, called: ReadonlyMap<string, Seen>): Promise<void> {
    const { seen } = memory
    for (const [key, call] of called) {
      const before = seen.get(key)
      // Deleting first moves the entry to the end of the map, where those seen last are kept.
      seen.delete(key)
      seen.set(key, before !== undefined && before.day > day ? before : call)
    }
    if (day > memory.through) memory.through = day
    // After a crash this day may be closed again, so its own entries are kept.
    const first = firstOfWindow(memory.through)
    for (const [key, { day }] of seen) if (day < first) seen.delete(key)
    for (const key of seen.keys()) {
      if (seen.size <= maxIdentities) break
      seen.delete(key)
    }
    await note.write(await packed(memory))
  }

  /** Puts the zeros of a day without calls into the outbox. After a crash, the next process goes on behind the last slice. */
  async function fill(day: UsageDay, memory: Memory): Promise<void> {
    const lines: OutboxLine[] = []
    for await (const line of zeros(day, memory, new Set())) lines.push(line)
    const first = firstOfWindow(day)
    const noted = Object.entries((await putZeros.read()) ?? {}).filter(([noted]) => noted >= first)
    const numbers = Object.fromEntries(noted)
    // The note comes first, because from here on late calls of the day must not add the same zeros.
    for (let from = numbers[day] ?? 0; ; from += perTurn) {
      await putZeros.write({ ...numbers, [day]: from })
      if (from >= lines.length) break
      await store.put(lines.slice(from, from + perTurn))
    }
    await remember(memory, day, new Map())
  }

  return {
    addition(day) {
      const called = new Map<string, Seen>()
      return {
        see({ eventName, identity, properties }) {
          if (eventName !== rollup.eventName || identity.userId === overflowId) return
          called.set(keyOf(identity, properties), { day, identity, properties })
        },
        async *lines() {
          const memory = await unpacked(await note.read())
          const numbers = (await putZeros.read()) ?? {}
          if (!Object.hasOwn(numbers, day)) yield* zeros(day, memory, new Set(called.keys()))
          await remember(memory, day, called)
        },
      }
    },

    async fillEmptyDays() {
      if (!isDue(nextEmpty)) return
      // A process that started before its clock was set would otherwise fill 50 years of days.
      const earliest = firstOfWindow(today())
      if (nextEmpty < earliest) nextEmpty = earliest
      const open = await store.openDays()
      for (; isDue(nextEmpty); nextEmpty = usageDays.after(nextEmpty)) {
        // Also a day before that is still open: it may bring users who need a zero here.
        const first = firstOfWindow(nextEmpty)
        if (open.some((day) => day >= first && day <= nextEmpty)) return
        const memory = await unpacked(await note.read())
        if (memory.through >= nextEmpty) continue
        if ((await store.reserve?.('zero fill', fillMs)) === false) return
        await fill(nextEmpty, memory)
      }
    },
  }
}

function isNumberOfEachDay(value: unknown): value is Record<UsageDay, number> {
  return typeof value === 'object' && value !== null && Object.values(value).every(Number.isSafeInteger)
}

function keyOf({ userId, accountId }: Identity, properties: Properties): string {
  return JSON.stringify([userId, accountId ?? null, sortedEntries(properties)])
}

/** Serializes and compresses the memory, one line for each entry, in slices that each take one turn of the event loop. */
async function packed({ through, seen }: Memory): Promise<string> {
  const slices: string[] = [`${JSON.stringify(through)}\n`]
  let slice = ''
  let size = 0
  for (const [key, { day }] of seen) {
    slice += `${day} ${key}\n`
    if (++size % perTurn !== 0) continue
    slices.push(slice)
    slice = ''
    await eventLoopTurn()
  }
  slices.push(slice)
  return (await deflate(slices.join(''))).toString('base64')
}

async function unpacked(text: string | undefined): Promise<Memory> {
  const seen = new Map<string, Seen>()
  if (text === undefined) return { through: '', seen }
  const lines = (await inflate(Buffer.from(text, 'base64'))).toString()
  let end = lines.indexOf('\n')
  const through = JSON.parse(lines.slice(0, end)) as UsageDay
  for (let start = end + 1; start < lines.length; start = end + 1) {
    end = lines.indexOf('\n', start)
    const space = lines.indexOf(' ', start)
    const key = lines.slice(space + 1, end)
    const [userId, accountId, entries] = JSON.parse(key) as [string, string | null, Array<[string, string]>]
    const identity = accountId === null ? { userId } : { userId, accountId }
    seen.set(key, { day: lines.slice(start, space), identity, properties: Object.fromEntries(entries) })
    if (seen.size % perTurn === 0) await eventLoopTurn()
  }
  return { through, seen }
}
