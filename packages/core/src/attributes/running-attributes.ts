import type { Clock } from '../clock.ts'
import type { DayUsage, Rollup } from '../day/rollup.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import { memberKey } from './attribute-order.ts'
import { type AttributeNames, type AttributeValues, createAttributeSums } from './attribute-values.ts'
import { attributeLine } from './px-attributes.ts'

/** Values of the open day, put on users and accounts every few minutes under attributes of their own. */
export interface RunningAttributes {
  /** Puts lines in the outbox if it is time for it. @throws {UsageError} when the store fails; the next time is as usual */
  putIfDue(): Promise<void>
}

export interface RunningAttributesSettings {
  names: AttributeNames
  everyMs: number
  rollups: readonly Rollup[]
  timeZone: string
  productKey: string
  clock: Pick<Clock, 'now' | 'elapsed'>
  store: Notes & Pick<Store, 'isSender' | 'outboxCounts' | 'put'>
  today(): UsageDay
  /** Everything counted so far of a day. */
  usages(day: UsageDay): AsyncIterable<DayUsage>
  /** Whether there are requests to spare. */
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

/** Of so many members the values are remembered over a restart; those of others are put once more. */
const maxNoted = 10_000

/**
 * A value is put when it has changed, and as 0 when a day begins without calls. There is no next one while anything waits in the
 * outbox: an older value never comes after a newer one, an outage piles nothing up, and closed days go first. Of processes that
 * share a store the one that sends puts them, as it alone knows what waits; the values are of all that they counted.
 */
export function createRunningAttributes(settings: RunningAttributesSettings): RunningAttributes {
  const { names, everyMs, rollups, timeZone, productKey, clock, store, today, usages, isAffordable, onPut } =
    settings
  const note = createNote(store, 'attributes running', isNoted)
  let nextAtMs = clock.elapsed() + everyMs
  let putting = false
  /** Under other names, or in another product, what was put before says nothing. */
  const noted = JSON.stringify([productKey, names])
  /** What was put last, by member; `undefined` as long as another process may have put something. */
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
    // Processes that share a store make the same ids, and the store takes each once.
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
      // It takes a while to add up what many counted, and the process may have been asleep.
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

/** Whether a line sets what runs: it is no earlier and no later value of what is set when a day closes. */
export function isRunning({ id }: Pick<OutboxLine, 'id'>): boolean {
  return id.startsWith(prefix)
}
