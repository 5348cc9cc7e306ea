import type { Diagnostics } from '../diagnostics.ts'
import { quoted } from '../errors.ts'
import type { Permit } from '../px/permit.ts'
import type { PxClient } from '../px/px-client.ts'
import type { AttributeNames } from './attribute-values.ts'

/**
 * Checks whether the attributes are declared in PX, and warns about those that are not. Only PX's user interface can declare
 * attributes. If the key lacks the Read permission, or PX cannot be reached, nothing is reported.
 */
export async function checkAttributes(
  names: AttributeNames,
  settings: { client: Pick<PxClient, 'request'>; acquire(): Promise<Permit>; diagnostics: Diagnostics },
): Promise<void> {
  const { client, acquire, diagnostics } = settings
  const missing: string[] = []
  for (const kind of ['user', 'account'] as const) {
    const expected = Object.values(names[kind])
    if (expected.length === 0 || (await acquire()) !== 'granted') continue
    const response = await client.request({
      method: 'GET',
      path: `/v1/admin/model/${kind}/attributes`,
      maxBodyBytes: 4 * 1024 * 1024,
    })
    const declared =
      response.received && response.status === 200 && response.isComplete ? namesIn(response.body) : undefined
    diagnostics.publish('delivery:attributes-read', { kind, declared: declared?.size })
    if (declared === undefined) continue
    for (const name of expected) if (!declared.has(name)) missing.push(`${quoted(name)} of the ${kind}`)
  }
  if (missing.length === 0) return
  diagnostics.warn(
    'PXU_WRN_DELIVERY_ATTRIBUTE_UNDECLARED',
    `PX does not have the attribute ${missing.join(', ')}, so it may ignore the values that px-usage sets. Declare it in PX (Administration > Attributes) as a number, or correct the API name, which is case-sensitive.`,
  )
}

/** Returns the API names in a list of attribute metadata, or `undefined` if the body is no such list. */
function namesIn(body: string): ReadonlySet<string> | undefined {
  try {
    const list: unknown = JSON.parse(body)
    if (!Array.isArray(list)) return undefined
    const usable = list.filter((entry) => typeof entry?.apiName === 'string' && isUsable(entry.state))
    return new Set(usable.map(({ apiName }) => apiName as string))
  } catch {
    return undefined
  }
}

function isUsable(state: unknown): boolean {
  return state !== 'DISABLED' && state !== 'DELETED'
}
