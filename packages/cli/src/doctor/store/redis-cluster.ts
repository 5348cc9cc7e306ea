import type { RedisConnection } from '../../place/connect-redis.ts'
import { type Check, failure, ok, type Verdict } from '../check.ts'
import { messageOf } from './redis-permissions.ts'

const clusterName = 'Redis Cluster'
const order: readonly Verdict[] = ['ok', 'unknown', 'warning', 'failure']

/** The worst check of each name, with the node that has it if there are several. */
export function worstOfNodes(nodes: readonly { name: string; checks: readonly Check[] }[]): Check[] {
  const worst = new Map<string, Check>()
  for (const { name: node, checks } of nodes) {
    for (const check of checks) {
      const known = worst.get(check.name)
      if (known !== undefined && order.indexOf(known.verdict) >= order.indexOf(check.verdict)) continue
      const isOfNode = nodes.length > 1 && check.verdict !== 'ok'
      worst.set(check.name, isOfNode ? { ...check, found: `${node}: ${check.found}` } : check)
    }
  }
  return [...worst.values()]
}

/** Checks that the cluster serves all hash slots, so that each namespace of px-usage has a node. */
export async function checkCluster({ nodes }: Pick<RedisConnection, 'nodes'>): Promise<Check> {
  const found: string[] = []
  for (const { name, send } of nodes) {
    try {
      const info = String(await send(['CLUSTER', 'INFO']))
      const state = /^cluster_state:(\w+)/m.exec(info)?.[1] ?? 'unknown'
      const served = /^cluster_slots_ok:(\d+)/m.exec(info)?.[1] ?? '?'
      if (state !== 'ok')
        found.push(`${name}: cluster_state is ${state}, ${served} of 16384 slots are served.`)
    } catch (error) {
      // The user may have no permission to see it. The client has found all nodes all the same.
      if (!/NOPERM/.test(messageOf(error))) found.push(`${name}: ${messageOf(error)}`)
    }
  }
  if (found.length > 0) {
    return failure(
      clusterName,
      found.join(' '),
      'Repair the cluster: redis-cli --cluster check <host:port> shows what is missing.',
    )
  }
  return ok(
    clusterName,
    `${nodes.length} primaries serve all slots. The app needs a cluster client that is given the key: sendCommand(args, key).`,
  )
}
