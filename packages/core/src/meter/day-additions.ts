import { attributeAddition } from '../attributes/px-attributes.ts'
import type { Addition } from '../day/close-day.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import { createZeroFill } from '../day/zero-fill.ts'
import type { Settings } from '../options/parse-options.ts'
import { type EventSettings, rollupLine } from '../px/px-event.ts'

/** What the first close of a day puts in the outbox beside the rollups: attributes and zeros, as far as the options ask for them. */
export interface DayAdditions {
  of(day: string): readonly Addition[]
  /** Zeros of days on which nobody called. @throws {UsageError} when the store fails */
  fillEmptyDays(): Promise<void>
}

export function createDayAdditions(
  settings: Pick<
    Settings,
    'attributes' | 'rollups' | 'days' | 'productKey' | 'zeroFillDays' | 'limits' | 'store'
  >,
  dayCycle: Pick<DayCycle, 'today' | 'isDue'>,
  eventSettings: EventSettings,
): DayAdditions {
  const { attributes, rollups, days, productKey, zeroFillDays, limits, store } = settings
  const hasAttributes = Object.keys({ ...attributes.user, ...attributes.account }).length > 0
  const zeroFill =
    zeroFillDays === 0
      ? undefined
      : createZeroFill({
          days: zeroFillDays,
          maxIdentities: limits.users,
          rollups,
          namespace: productKey,
          usageDays: days,
          store,
          today: dayCycle.today,
          isDue: dayCycle.isDue,
          toLine: (usage) => rollupLine(usage, eventSettings),
        })
  return {
    of(day) {
      const additions: Addition[] = []
      if (hasAttributes) {
        const { timeZone } = days
        additions.push(attributeAddition({ names: attributes, rollups, day, timeZone, productKey }))
      }
      if (zeroFill !== undefined) additions.push(zeroFill.addition(day))
      return additions
    },
    fillEmptyDays: async () => zeroFill?.fillEmptyDays(),
  }
}
