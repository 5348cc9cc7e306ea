import { attributeAddition } from '../attributes/px-attributes.ts'
import type { Addition } from '../day/close-day.ts'
import type { DayCycle } from '../day/day-cycle.ts'
import { createZeroFill } from '../day/zero-fill.ts'
import type { Settings } from '../options/parse-options.ts'
import { type EventSettings, rollupLine } from '../px/px-event.ts'

/** What the first close of a day puts into the outbox in addition to the rollups: attributes and zeros, if the options enable them. */
export interface DayAdditions {
  /** Returns the additions to a day. */
  of(day: string): readonly Addition[]
  /** Creates the zeros of days without calls. @throws {UsageError} if the store fails */
  fillEmptyDays(): Promise<void>
}

/** Creates the additions of a meter. */
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
