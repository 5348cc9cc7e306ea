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
  store: Notes & Pick<Store, 'openDays' | 'put'>
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
          yield* zeros(day, memory, new Set(called.keys()))
          await remember(memory, day, called)
        },
      }
    },

    async fillEmptyDays() {
      if (!isDue(nextEmpty)) return
      // A process that started before its clock was set would otherwise fill 50 years of days.
      const first = firstOfWindow(today())
      if (nextEmpty < first) nextEmpty = first
      const open = await store.openDays()
      for (; isDue(nextEmpty); nextEmpty = usageDays.after(nextEmpty)) {
        if (open.includes(nextEmpty)) return
        const memory = await unpacked(await note.read())
        if (memory.through >= nextEmpty) continue
        const lines: OutboxLine[] = []
        for await (const line of zeros(nextEmpty, memory, new Set())) lines.push(line)
        for (let from = 0; from < lines.length; from += perTurn)
          await store.put(lines.slice(from, from + perTurn))
        await remember(memory, nextEmpty, new Map())
      }
    },
  }
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
