import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { LeftoverDays, Store } from '../model/store.ts'
import type { Meter } from './meter.ts'

/** The interval of the search: 1 hour. Leftover days appear when the last process of an old namespace exits, late in a rolling deploy. */
const lookEveryMs = 3_600_000

/** The meters for days that earlier processes left in other namespaces. */
export interface LeftoverMeters {
  /** Searches for leftover days now, and from then on every hour. Call it when the store is open. Never rejects. */
  look(): Promise<void>
  flush(): Promise<void>
  close(timeoutMs: number): Promise<void>
}

interface LeftoverSettings {
  store: Store
  clock: Clock
  diagnostics: Diagnostics
  makeMeter(leftover: LeftoverDays): Meter
}

/**
 * Creates the meters that close and send what earlier processes of the same product left in other namespaces. Each namespace has a
 * meter of its own, which counts nothing, until nothing is left.
 */
export function createLeftoverMeters(settings: LeftoverSettings): LeftoverMeters {
  const { store, clock, diagnostics, makeMeter } = settings
  const meters = new Map<string, Meter>()
  let isClosed = false
  let cancel = () => {}
  let looking: Promise<void> | undefined

  async function find(): Promise<void> {
    const found = (await store.leftovers?.()) ?? []
    for (const name of meters.keys()) if (!found.some((leftover) => leftover.name === name)) await end(name)
    for (const leftover of found) if (!isClosed && !meters.has(leftover.name)) await adopt(leftover)
  }

  async function end(name: string): Promise<void> {
    const meter = meters.get(name)
    meters.delete(name)
    await meter?.close()
  }

  async function adopt(leftover: LeftoverDays): Promise<void> {
    const { name } = leftover
    const meter = makeMeter(leftover)
    meters.set(name, meter)
    try {
      await meter.flush()
      // A process of that namespace may still run although it has sealed its last day. Then it sends the lines itself.
      if (!(await leftover.store.isSender())) return await end(name)
      diagnostics.warn(
        'PXU_WRN_STORE_LEFTOVER',
        `The store holds counts of the namespace ${name}, left when the time zone or the PX address was changed. px-usage closes them in their own zone and sends them now; users who called on the day of the change may have two events for it.`,
        name,
      )
    } catch (error) {
      await end(name)
      throw error
    }
  }

  function look(): Promise<void> {
    cancel()
    looking ??= find()
      .catch((error: unknown) => {
        // The leftover days stay in the store, and the next search finds them.
        diagnostics.publish('store:degraded', { reason: 'the search for leftover days failed', error })
      })
      .finally(() => {
        looking = undefined
        if (!isClosed && store.leftovers !== undefined) cancel = clock.setTimer(look, lookEveryMs)
      })
    return looking
  }

  return {
    look,
    async flush() {
      await Promise.all([...meters.values()].map((meter) => meter.flush()))
    },
    async close(timeoutMs) {
      isClosed = true
      cancel()
      await Promise.all([...meters.values()].map((meter) => meter.close({ timeoutMs })))
      await looking
    },
  }
}
