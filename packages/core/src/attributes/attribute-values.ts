import { createHash } from 'node:crypto'
import { overflowId } from '../attribution/identity.ts'
import type { DayUsage, Rollup } from '../day/rollup.ts'
import type { UsageDay } from '../model/series.ts'

/** Which PX attribute (its API name) takes which number of a day, by the name of the number: `{ apiCalls: 'dailyApiCalls' }`. */
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
  /** The same again for the same day, zone, product and member. */
  readonly lineId: string
}

export interface AttributeSums {
  see(usage: DayUsage): void
  values(): Generator<AttributeValues>
}

/**
 * Adds up what attributes take of a day: for a user over all properties, endpoints and accounts, for an account over its users.
 *
 * The user that stands for all those beyond the limits is none that PX knows, but its account has its numbers all the same.
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
  // Each rollup has all the calls: one of them is enough.
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
