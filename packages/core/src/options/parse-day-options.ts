import type { AttributeNames } from '../attributes/attribute-values.ts'
import type { Rollup } from '../day/rollup.ts'
import { boolean, count, invalid, object, refuseUnknown } from '../model/check-options.ts'

const maxZeroFillDays = 100

/** The numbers of a closed day that px-usage sets as attributes of users and accounts in PX. */
export interface AttributeOptions {
  /** User attributes: name of a number (`apiCalls`, or the `property` of an instrument) -> API name of the PX attribute. */
  user?: Readonly<Record<string, string>> | undefined
  /** Account attributes, with the sums over the users of the account: name of a number -> API name of the PX attribute. */
  account?: Readonly<Record<string, string>> | undefined
  /** Create users and accounts that PX does not know. @default false */
  createMissing?: boolean | undefined
  /** Attributes for the numbers of the open day so far. @default none */
  running?: RunningAttributeOptions | undefined
}

/** The numbers of the open day that px-usage sets as attributes. */
export interface RunningAttributeOptions extends Pick<AttributeOptions, 'user' | 'account'> {
  /** The interval in milliseconds, at least 60_000. Each changed value takes one request of the daily budget. */
  everyMs: number
}

/** The option `attributes`, validated. */
export interface AttributeSettings extends AttributeNames {
  readonly createMissing: boolean
  /** `undefined`: no running attributes. */
  readonly running?: (AttributeNames & { readonly everyMs: number }) | undefined
}

const shortestRunningMs = 60_000

/** Validates the option `attributes`. @throws {UsageError} `PXU_ERR_OPTIONS_...` */
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
    throw invalid(
      'attributes.running.everyMs',
      undefined,
      'Give a number of milliseconds such as 600_000 (10 minutes).',
    )
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
      'Give attributes that attributes.user and attributes.account do not have, because the values of the closed and the open day would overwrite each other.',
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

/** Validates the option `rollups`. @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` */
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

/** The option `zeroFill`. */
export interface ZeroFillOptions {
  /** How many days before a day are considered, from 1 to 100. */
  days: number
}

/**
 * Validates the option `zeroFill` and returns its number of days, or 0 without zero fill.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...`
 */
export function parseZeroFill(value: ZeroFillOptions | undefined, rollups: readonly Rollup[]): number {
  const given = object('zeroFill', value)
  if (given === undefined) return 0
  refuseUnknown(given, ['days'])
  const { days } = given
  const isUsable = Number.isSafeInteger(days) && days >= 1 && days <= maxZeroFillDays
  if (!isUsable) throw invalid('zeroFill.days', days, `Give a whole number from 1 to ${maxZeroFillDays}.`)
  if (rollups.some(({ by }) => by === 'identity')) return days
  throw invalid(
    'zeroFill',
    value,
    "Zero fill needs a rollup by 'identity'. Add one to rollups, or remove zeroFill.",
  )
}
