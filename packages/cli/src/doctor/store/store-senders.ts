import type { StoreReader } from '@px-usage/core/adapter'
import { isDryRun } from '../../place/namespace-text.ts'
import { type Check, ok, unknown, warning } from '../check.ts'

export const storeSendersName = 'senders in the store'

/** Finds services of one product that use a store with different time zones. Each of them sends events of its own for a user and day. */
export async function checkStoreSenders(
  readers: readonly Pick<StoreReader, 'namespace' | 'sender'>[],
): Promise<Check> {
  const zones = new Map<string, string[]>()
  for (const { namespace, sender } of readers) {
    const { product, destination, timeZone } = namespace
    if (isDryRun(namespace) || (await sender())?.state !== 'alive') continue
    const service = `${product}@${destination}`
    zones.set(service, [...(zones.get(service) ?? []), timeZone])
  }
  if (zones.size === 0) return unknown(storeSendersName, 'no process sends at the moment')
  for (const [service, found] of zones) {
    if (found.length < 2) continue
    return warning(
      storeSendersName,
      `Processes of ${service.split('@')[0]} send with ${found.length} time zones: ${found.sort().join(' and ')}. Each zone has events of its own.`,
      'Give all services of the product the same timeZone (PX_TIME_ZONE).',
    )
  }
  return ok(storeSendersName, 'One process sends for each product.')
}
