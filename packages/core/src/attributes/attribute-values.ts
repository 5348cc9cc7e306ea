import { createHash } from 'node:crypto'
import { overflowId } from '../attribution/identity.ts'
import type { DayUsage, Rollup } from '../day/rollup.ts'
import type { UsageDay } from '../model/series.ts'

/** The PX attribute (its API name) for each number of a day, as in `{ apiCalls: 'dailyApiCalls' }`. */
export interface AttributeNames {
  readonly user: Readonly<Record<string, string>>
  readonly account: Readonly<Record<string, string>>
}

/** The numbers of one user or account on one day, under the names of PX attributes. */
export interface AttributeValues {
  readonly kind: 'user' | 'account'
  readonly id: string
  readonly day: UsageDay
  readonly values: Readonly<Record<string, number>>
  /** Always the same for the same day, zone, product and member. */
  readonly lineId: string
}

/** Sums of a day for attributes: `see()` adds a rollup, and `values()` yields the sums of each user and account. */
export interface AttributeSums {
  see(usage: DayUsage): void
  values(): Generator<AttributeValues>
}

/**
 * Creates the sums of a day for attributes: for a user over all properties, endpoints and accounts, and for an account over its users.
 *
 * PX does not know the user `(overflow)`, so no user attributes are set for it. Its numbers still count for its account.
 */
export function createAttributeSums(settings: {
  names: AttributeNames
  rollups: readonly Rollup[]
  day: UsageDay
  timeZone: string
  namespace: string
}): AttributeSums {
  const { names, rollups, day, timeZone, namespace } = settings
  const members = {
    user: { names: Object.entries(names.user), sums: new Map<string, number[]>() },
    account: { names: Object.entries(names.account), sums: new Map<string, number[]>() },
  }
  // Each rollup contains all the calls, so only one of them may be added.
  const counted = (rollups.find(({ by }) => by === 'identity') ?? rollups[0])?.eventName
  const passedOver = new Set(rollups.map(({ eventName }) => eventName).filter((name) => name !== counted))

  function add(kind: 'user' | 'account', id: string | undefined, { measures }: DayUsage): void {
    if (id === undefined || id === overflowId) return
    const { names, sums } = members[kind]
    names.forEach(([measure], index) => {
      const value = Object.hasOwn(measures, measure) ? measures[measure] : undefined
      if (value === undefined) return
      const values = sums.get(id) ?? []
      values[index] = (values[index] ?? 0) + value
      sums.set(id, values)
    })
  }

  return {
    see(usage) {
      if (passedOver.has(usage.eventName)) return
      add('user', usage.identity.userId, usage)
      add('account', usage.identity.accountId, usage)
    },

    *values() {
      for (const kind of ['user', 'account'] as const) {
        const { names, sums } = members[kind]
        for (const [id, numbers] of sums) {
          const values: Record<string, number> = {}
          names.forEach(([, apiName], index) => {
            const value = numbers[index]
            if (value !== undefined) values[apiName] = value
          })
          const digest = createHash('sha256').update(JSON.stringify([namespace, timeZone, day, kind, id]))
          yield { kind, id, day, values, lineId: `${kind}-${day}-${digest.digest('hex').slice(0, 32)}` }
        }
      }
    },
  }
}
