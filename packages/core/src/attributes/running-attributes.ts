import type { Clock } from '../clock.ts'
import type { DayUsage, Rollup } from '../day/rollup.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import { memberKey } from './attribute-order.ts'
import { type AttributeNames, type AttributeValues, createAttributeSums } from './attribute-values.ts'
import { attributeLine } from './px-attributes.ts'

/** Sets values of the open day on users and accounts every few minutes, under attributes of their own. */
export interface RunningAttributes {
  /** Puts lines into the outbox if they are due. @throws {UsageError} if the store fails; the next run is as usual */
  putIfDue(): Promise<void>
}

/** The settings of `createRunningAttributes()`. */
export interface RunningAttributesSettings {
  names: AttributeNames
  everyMs: number
  rollups: readonly Rollup[]
  timeZone: string
  productKey: string
  clock: Pick<Clock, 'now' | 'elapsed'>
  store: Notes & Pick<Store, 'isSender' | 'outboxCounts' | 'put'>
  today(): UsageDay
  /** Yields everything that was counted so far on a day. */
  usages(day: UsageDay): AsyncIterable<DayUsage>
  /** Returns whether the request budget has room for these lines. */
  isAffordable(): boolean
  onPut(): void
}

type Member = [key: string, put: AttributeValues]

const largestPut = 1_000
const prefix = 'running-'

function isNoted(value: unknown): value is [of: string, members: Member[]] {
  return (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    Array.isArray(value[1]) &&
    value[1].every((member) => typeof member?.[0] === 'string' && typeof member[1] === 'object')
  )
}

/** The most members whose values are remembered over a restart. The values of further members are set once more. */
const maxNoted = 10_000

/**
 * Creates the running attributes. A value is set when it has changed, and set to 0 when a day begins without calls.
 *
 * No values are set while the outbox has lines. So an older value never follows a newer one, an outage does not fill the outbox, and
 * closed days go first. Among processes that share a store, the one that sends does this, because only it knows the outbox. The
 * values include the calls of all these processes.
 */
export function createRunningAttributes(settings: RunningAttributesSettings): RunningAttributes {
  const { names, everyMs, rollups, timeZone, productKey, clock, store, today, usages, isAffordable, onPut } =
    settings
  const note = createNote(store, 'attributes running', isNoted)
  let nextAtMs = clock.elapsed() + everyMs
  let putting = false
  /** The product and names that noted values belong to. With others, the noted values are ignored. */
  const noted = JSON.stringify([productKey, names])
  /** The last values by member; `undefined` while another process may have set newer ones. */
  let before: Map<string, AttributeValues> | undefined

  async function recall(): Promise<Map<string, AttributeValues>> {
    const [of, members] = (await note.read()) ?? []
    return new Map(of === noted ? members : [])
  }

  async function isTime(): Promise<boolean> {
    if (!(await store.isSender())) {
      before = undefined
      return false
    }
    const { pending, unconfirmed } = store.outboxCounts()
    return pending + unconfirmed === 0 && isAffordable()
  }

  async function valuesOf(day: UsageDay, last: Map<string, AttributeValues>) {
    // Processes that share a store create the same ids in the same interval, and the store takes each id once.
    const turn = Math.floor(clock.now() / everyMs)
    const namespace = JSON.stringify(['running', productKey, turn])
    const sums = createAttributeSums({ names, rollups, day, timeZone, namespace })
    for await (const usage of usages(day)) sums.see(usage)
    const values = new Map<string, AttributeValues>()
    for (const one of sums.values()) {
      values.set(memberKey(one.kind, one.id), { ...one, lineId: `${prefix}${one.lineId}` })
    }
    for (const [member, one] of last) {
      if (values.has(member) || one.day === day) continue
      const zeros = Object.fromEntries(Object.keys(one.values).map((apiName) => [apiName, 0]))
      values.set(member, { ...one, day, values: zeros, lineId: `${one.lineId}-${turn}` })
    }
    return values
  }

  async function putChanged(): Promise<void> {
    const last = before ?? (await recall())
    const now = await valuesOf(today(), last)
    const changed = [...now].filter(([member, { values }]) => {
      return JSON.stringify(last.get(member)?.values) !== JSON.stringify(values)
    })
    for (let from = 0; from < changed.length; from += largestPut) {
      // Adding up many series takes time, and the process may have been suspended, so another process may send by now.
      if (!(await store.isSender())) return
      const slice = changed.slice(from, from + largestPut)
      await store.put(slice.map(([, values]) => attributeLine(values, productKey)))
    }
    before = now
    if (changed.length === 0) return
    onPut()
    await note.write([noted, [...now].slice(0, maxNoted)])
  }

  return {
    async putIfDue() {
      if (putting || clock.elapsed() < nextAtMs) return
      nextAtMs = clock.elapsed() + everyMs
      putting = true
      try {
        if (await isTime()) await putChanged()
      } finally {
        putting = false
      }
    },
  }
}

/** Returns whether a line sets running attributes. They are other attributes than those that a closed day sets. */
export function isRunning({ id }: Pick<OutboxLine, 'id'>): boolean {
  return id.startsWith(prefix)
}
