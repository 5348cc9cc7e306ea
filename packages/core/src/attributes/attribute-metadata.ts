import type { Diagnostics } from '../diagnostics.ts'
import { quoted } from '../errors.ts'
import type { Permit } from '../px/permit.ts'
import type { PxClient } from '../px/px-client.ts'
import type { AttributeNames } from './attribute-values.ts'

/**
 * Looks once whether the attributes are declared in PX, and warns of those that are not: PX's own user interface alone can
 * declare them. A key that may not read, or a PX that cannot be asked now, tells nothing.
 */
export async function checkAttributes(
  names: AttributeNames,
  settings: { client: Pick<PxClient, 'request'>; acquire(): Promise<Permit>; diagnostics: Diagnostics },
): Promise<void> {
  const { client, acquire, diagnostics } = settings
  const missing: string[] = []
  for (const kind of ['user', 'account'] as const) {
    const expected = Object.values(names[kind])
    if (expected.length === 0 || (await acquire()) !== 'go') continue
    const answer = await client.request({
      method: 'GET',
      path: `/v1/admin/model/${kind}/attributes`,
      maxBodyBytes: 4 * 1024 * 1024,
    })
    const declared =
      answer.answered && answer.status === 200 && answer.isComplete ? namesIn(answer.body) : undefined
    diagnostics.publish('delivery:attributes-read', { kind, declared: declared?.size })
    if (declared === undefined) continue
    for (const name of expected) if (!declared.has(name)) missing.push(`${quoted(name)} of the ${kind}`)
  }
  if (missing.length === 0) return
  diagnostics.warn(
    'PXU_WRN_DELIVERY_ATTRIBUTE_UNDECLARED',
    `PX does not have the attribute ${missing.join(', ')}, so it may leave out what is set. Declare it in PX (Administration > Attributes) as a number, or correct the API name: case counts.`,
  )
}

/** API names of a list of attribute metadata; `undefined` if it is none. */
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
