import type { AttributeNames } from './day/attribute-values.ts'
import { boolean, invalid, object, refuseUnknown } from './option-checks.ts'

/** Which numbers of a closed day are set on the users and accounts of PX. */
export interface AttributeOptions {
  /** Name of a number (`apiCalls`, or the `property` of an instrument) -> API name of a PX attribute of the user. */
  user?: Readonly<Record<string, string>> | undefined
  /** The same for the account, which takes the sum of its users. */
  account?: Readonly<Record<string, string>> | undefined
  /** Make users and accounts that PX does not know. @default false */
  createMissing?: boolean | undefined
}

export interface AttributeSettings extends AttributeNames {
  readonly createMissing: boolean
}

/** @throws {UsageError} `PXU_ERR_OPTIONS_...` */
export function parseAttributes(value: AttributeOptions | undefined): AttributeSettings {
  const given = object('attributes', value) ?? {}
  refuseUnknown(given, ['user', 'account', 'createMissing'])
  return Object.freeze({
    user: attributeNames('attributes.user', given.user),
    account: attributeNames('attributes.account', given.account),
    createMissing: boolean('attributes.createMissing', given.createMissing) ?? false,
  })
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
    JSON.stringify(value),
    "Give the name of a number and the API name of its PX attribute, such as { apiCalls: 'dailyApiCalls' }, each attribute once.",
  )
}
