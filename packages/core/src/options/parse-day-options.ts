import type { AttributeNames } from '../attributes/attribute-values.ts'
import type { Rollup } from '../day/rollup.ts'
import { boolean, count, invalid, object, refuseUnknown } from '../model/check-options.ts'

const mostZeroFillDays = 100

/** Which numbers of a closed day are set on the users and accounts of PX. */
export interface AttributeOptions {
  /** Name of a number (`apiCalls`, or the `property` of an instrument) -> API name of a PX attribute of the user. */
  user?: Readonly<Record<string, string>> | undefined
  /** The same for the account, which takes the sum of its users. */
  account?: Readonly<Record<string, string>> | undefined
  /** Make users and accounts that PX does not know. @default false */
  createMissing?: boolean | undefined
  /** The numbers of the day so far, under attributes of their own. @default none */
  running?: RunningAttributeOptions | undefined
}

export interface RunningAttributeOptions {
  /** How often they are set, in ms: 60_000 or more. Each change of a value is a request of the daily budget. */
  everyMs: number
  user?: Readonly<Record<string, string>> | undefined
  account?: Readonly<Record<string, string>> | undefined
}

export interface AttributeSettings extends AttributeNames {
  readonly createMissing: boolean
  /** Not set: none. */
  readonly running?: (AttributeNames & { readonly everyMs: number }) | undefined
}

const shortestRunningMs = 60_000

/** @throws {UsageError} `PXU_ERR_OPTIONS_...` */
export function parseAttributes(value: AttributeOptions | undefined): AttributeSettings {
  const given = object('attributes', value) ?? {}
  refuseUnknown(given, ['user', 'account', 'createMissing', 'running'])
  const names = {
    user: attributeNames('attributes.user', given.user),
    account: attributeNames('attributes.account', given.account),
  }
  return Object.freeze({
    ...names,
    createMissing: boolean('attributes.createMissing', given.createMissing) ?? false,
    running: parseRunning(given.running, names),
  })
}

function parseRunning(
  value: RunningAttributeOptions | undefined,
  closing: AttributeNames,
): AttributeSettings['running'] {
  const given = object('attributes.running', value)
  if (given === undefined) return undefined
  refuseUnknown(given, ['everyMs', 'user', 'account'])
  const everyMs = count('attributes.running.everyMs', given.everyMs, shortestRunningMs)
  if (everyMs === undefined)
    throw invalid('attributes.running.everyMs', undefined, 'Give 600_000, for example.')
  const names = {
    user: attributeNames('attributes.running.user', given.user),
    account: attributeNames('attributes.running.account', given.account),
  }
  for (const kind of ['user', 'account'] as const) {
    const closes = new Set(Object.values(closing[kind]))
    if (!Object.values(names[kind]).some((apiName) => closes.has(apiName))) continue
    throw invalid(
      `attributes.running.${kind}`,
      given[kind],
      'Give attributes of their own: the value of a closed day and that of the open one would take turns in one.',
    )
  }
  return Object.freeze({ ...names, everyMs })
}

function attributeNames(
  name: string,
  value: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const names = { ...object(name, value) }
  const apiNames = Object.values(names)
  const isUsable = apiNames.every((apiName) => typeof apiName === 'string' && apiName !== '')
  if (isUsable && new Set(apiNames).size === apiNames.length) return Object.freeze(names)
  throw invalid(
    name,
    value,
    "Give the name of a number and the API name of its PX attribute, such as { apiCalls: 'dailyApiCalls' }, each attribute once.",
  )
}

/** @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` */
export function parseRollups(value: readonly Rollup[] | undefined): readonly Rollup[] | undefined {
  if (value === undefined) return undefined
  const usable =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (rollup) =>
        typeof rollup?.eventName === 'string' &&
        rollup.eventName !== '' &&
        /^(identity|endpoint)$/.test(rollup.by),
    ) &&
    new Set(value.map(({ eventName }) => eventName)).size === value.length
  if (usable) return Object.freeze(value.map(({ eventName, by }) => Object.freeze({ eventName, by })))
  throw invalid(
    'rollups',
    value,
    "Give a list such as [{ eventName: 'dailyApiCalls', by: 'identity' }], each event name once, by 'identity' or 'endpoint'.",
  )
}

export interface ZeroFillOptions {
  /** So many days before a day are looked at, up to 100. */
  days: number
}

/**
 * @returns 0 for none
 * @throws {UsageError} `PXU_ERR_OPTIONS_...`
 */
export function parseZeroFill(value: ZeroFillOptions | undefined, rollups: readonly Rollup[]): number {
  const given = object('zeroFill', value)
  if (given === undefined) return 0
  refuseUnknown(given, ['days'])
  const { days } = given
  const isUsable = Number.isSafeInteger(days) && days >= 1 && days <= mostZeroFillDays
  if (!isUsable) throw invalid('zeroFill.days', days, `Give a whole number from 1 to ${mostZeroFillDays}.`)
  if (rollups.some(({ by }) => by === 'identity')) return days
  throw invalid('zeroFill', value, "It needs a rollup by 'identity', and there is none.")
}
