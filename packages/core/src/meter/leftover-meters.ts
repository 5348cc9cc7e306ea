import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { LeftoverDays, Store } from '../model/store.ts'
import type { Meter } from './meter.ts'

/** Leftover days appear when the last process of the old namespace ends, which a rolling deploy delays. */
const lookEveryMs = 3_600_000

export interface LeftoverMeters {
  /** To be called when the store is open, and again to look at once. Never rejects. */
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
 * Closes and sends what earlier processes of the same product left in another namespace. Each namespace gets a meter of its own
 * that counts nothing, until nothing is left.
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
      // A process that counted nothing since it sealed its last day is alive all the same, and sends.
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
        // Nothing of it is lost by waiting for the next look.
        diagnostics.publish('store:degraded', { reason: 'leftover days could not be looked for', error })
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
