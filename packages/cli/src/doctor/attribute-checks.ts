import { reasonOf } from '@px-usage/core/adapter'
import type { PxConnection } from '../px/px-connection.ts'
import { type Check, failure, ok, unknown, warning } from './check.ts'

/** API names of attributes that the app sets, of users and of accounts. */
export interface AttributesToCheck {
  readonly user: readonly string[]
  readonly account: readonly string[]
}

/** Checks that PX has each attribute, as a number. Only PX's user interface can declare them. */
export async function checkAttributes(
  names: AttributesToCheck,
  px: Pick<PxConnection, 'get'>,
): Promise<Check[]> {
  const checks: Check[] = []
  for (const kind of ['user', 'account'] as const) {
    if (names[kind].length === 0) continue
    const response = await px.get(`/v1/admin/model/${kind}/attributes`)
    const declared = response.received && response.status === 200 ? attributesIn(response.body) : undefined
    for (const name of names[kind]) {
      const title = `${kind} attribute`
      if (declared !== undefined) checks.push(checkAttribute(title, name, declared))
      else if (response.received && response.status === 200) {
        checks.push(unknown(title, 'the response of PX is not a list of attributes'))
      } else checks.push(unknown(title, reasonOf(response).replace(/\.$/, '')))
    }
  }
  if (checks.length > 0) return checks
  return [unknown('attributes', 'none was given with --user-attribute or --account-attribute')]
}

function checkAttribute(
  title: string,
  name: string,
  declared: ReadonlyArray<Record<string, unknown>>,
): Check {
  const found = declared.find(({ apiName }) => apiName === name)
  const declare = 'Declare it in PX (Administration > Attributes) as a number'
  if (found === undefined) {
    const similar = declared.find(({ apiName }) => String(apiName).toLowerCase() === name.toLowerCase())
    if (similar === undefined)
      return failure(title, `PX does not have ${name}, and may ignore its values.`, `${declare}.`)
    const other = String(similar.apiName)
    return failure(
      title,
      `PX has ${other} instead of ${name}, and names are case-sensitive.`,
      `Set ${other} in the option attributes.`,
    )
  }
  if (found.state === 'DISABLED' || found.state === 'DELETED') {
    const state = found.state.toLowerCase()
    return failure(title, `${name} is ${state} in PX.`, 'Enable it in PX (Administration > Attributes).')
  }
  if (typeof found.type === 'string' && found.type !== 'NUMBER') {
    return warning(title, `PX has ${name} as ${found.type}, and px-usage sends numbers.`, `${declare}.`)
  }
  return ok(title, `PX has ${name}.`)
}

function attributesIn(body: string): Record<string, unknown>[] | undefined {
  try {
    const list: unknown = JSON.parse(body)
    if (!Array.isArray(list)) return undefined
    return list.filter((entry) => typeof entry?.apiName === 'string')
  } catch {
    return undefined
  }
}
