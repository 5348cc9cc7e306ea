import { mayAdopt, type NamespaceName } from '@px-usage/core/adapter'
import { createKeyNames, namespacesKey } from './key-names.ts'
import { silentAfterMs } from './membership.ts'
import type { OpenStore } from './open-store.ts'
import { readNamespace } from './scripts/close-scripts.ts'
import { listDays } from './scripts/count-scripts.ts'

/** Returns the text of a namespace that is part of the names of its keys. */
export function namespaceText({ product, destination, timeZone }: NamespaceName): string {
  return [product, destination, timeZone].join('@')
}

/**
 * Returns the namespaces in which earlier processes left counts or lines, in which no living process counts, and which a process of
 * `own` may close and send.
 *
 * @param inFolder namespaces of which the folder of this host has counts
 */
export async function leftoverNamespaces(
  { fleet }: OpenStore,
  keyPrefix: string,
  own: NamespaceName,
  inFolder: readonly string[],
): Promise<NamespaceName[]> {
  const { connection, now } = fleet
  const key = namespacesKey(keyPrefix)
  const found: NamespaceName[] = []
  const listed = (await connection.read(['SMEMBERS', key], key)) as string[]
  for (const text of new Set([...listed, ...inFolder])) {
    const [product, destination, timeZone] = text.split('@')
    if (product === undefined || destination === undefined || timeZone === undefined) continue
    const other = { product, destination, timeZone }
    if (!mayAdopt(own, other)) continue
    const keys = createKeyNames(keyPrefix, text)
    const names = [keys.alive, keys.counts]
    const [isAlive, open] = (await connection.run(readNamespace, names, [now(), silentAfterMs])) as number[]
    if (isAlive === 1) continue
    const shards = Number((await connection.read(['HGET', keys.meta, 'shards'], keys.meta)) ?? 0)
    let hasDays = inFolder.includes(text)
    for (let shard = 0; shard < shards; shard++) {
      const { days, generations } = keys.shard(shard)
      const ofShard = (await connection.run(listDays, [days, generations], [])) as unknown[]
      hasDays ||= ofShard.length > 0
    }
    if (hasDays || Number(open) > 0) found.push(other)
  }
  return found
}
