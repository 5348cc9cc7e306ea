import { randomBytes } from 'node:crypto'
import type { StoreContext } from '@px-usage/core'
import { DayCloser } from './close-day.ts'
import { createConnection } from './connection.ts'
import { DayCounts } from './counting/day-counts.ts'
import { createSeriesEncoder, type SeriesEncoder } from './counting/series-fields.ts'
import { type Loss, ShardWriter } from './counting/shard-writer.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { FlushInterval } from './flush-interval.ts'
import { createKeyNames, keepSentSeconds, namespacesKey } from './key-names.ts'
import { joinNamespace, Membership } from './membership.ts'
import type { RedisStoreSettings } from './options.ts'
import { RedisOutbox } from './redis-outbox.ts'
import type { LocalCounts } from './shipping/local-counts.ts'

/** The parts of a store that is open. */
export interface OpenStore {
  readonly fleet: Fleet
  readonly members: Membership
  readonly counts: DayCounts
  readonly closer: DayCloser
  readonly outbox: RedisOutbox
  readonly writers: readonly ShardWriter[]
  readonly encoder: SeriesEncoder
  readonly flushInterval: FlushInterval
}

/**
 * Joins the fleet of a namespace.
 *
 * @param me names this process
 * @param local the counts in the folder of this host, if there is one
 * @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if Redis fails
 */
export async function openStore(
  settings: RedisStoreSettings,
  context: StoreContext,
  { namespace, me, local }: { namespace: string; me: string; local: LocalCounts | undefined },
): Promise<OpenStore> {
  const { keyPrefix } = settings
  const { clock, diagnostics } = context
  const connection = createConnection(settings.sendCommand, {
    elapsed: clock.elapsed,
    onOutage: (durationMs) => members.excuseSilence(durationMs),
  })
  const keys = createKeyNames(keyPrefix, namespace)
  const joining = createFleet({ context, connection, keys, me, shards: settings.shards })
  const flushInterval = new FlushInterval(clock)
  const members = new Membership(joining, {
    async onEmptied() {
      await outbox.sent.begin({ isLost: true })
      const { pending, unconfirmed } = outbox.counts()
      const events = pending + unconfirmed === 0 ? 'unsent events' : `${pending + unconfirmed} unsent events`
      const message = `Redis lost what px-usage had stored in it: it was emptied, or evicted keys. Counts that this process sent in the last 5 minutes are sent again; earlier ones of open days, and ${events}, are lost.`
      diagnostics.report({ code: 'PXU_ERR_STORE_REDIS_LOST', message })
    },
    sendLost: () => Promise.all([...writers.map((writer) => writer.check()), local?.check()]),
    onMembers: (members) => flushInterval.setMembers(members),
  })
  const { shards, epoch } = await joinNamespace(joining, randomBytes(8).toString('hex'))
  await listNamespace(joining, keyPrefix, namespace)
  const fleet: Fleet = { ...joining, shards }
  await warnOfEviction(fleet)
  const outbox = new RedisOutbox(fleet, settings.keepSentBytes)
  await outbox.sent.begin()
  const counts = new DayCounts(fleet)
  const encoder = createSeriesEncoder(fleet.shards)
  function onLoss({ frames, calls }: Loss): void {
    const message = `Redis lost ${frames} batches of counts that this process no longer has: up to ${calls} calls.`
    diagnostics.report({ code: 'PXU_ERR_STORE_REDIS_LOST', message })
  }
  const writers = Array.from({ length: fleet.shards }, (_, shard) => {
    return new ShardWriter({ connection, clock, id: me, keys: keys.shard(shard), onLoss })
  })
  await members.start(epoch)
  await outbox.isLeader()
  local?.join({ fleet, members, encoder, onLoss })
  return {
    ...{ fleet, members, counts, outbox, writers, encoder, flushInterval },
    closer: new DayCloser({ fleet, counts, members, outbox }),
  }
}

/** Adds a namespace to the list of those that use the prefix. */
export async function listNamespace({ connection }: Fleet, prefix: string, namespace: string): Promise<void> {
  const key = namespacesKey(prefix)
  await connection.read(['SADD', key, namespace], key)
  await connection.read(['EXPIRE', key, String(keepSentSeconds)], key)
}

/** Warns about a Redis that removes keys when its memory is full. All keys have an expiry, so every policy but one removes them. */
async function warnOfEviction({ connection, keys, context }: Fleet): Promise<void> {
  // The user of Redis may lack the permission for INFO.
  const info = String(await connection.read(['INFO', 'memory'], keys.meta).catch(() => ''))
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1]
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)
  if (policy === undefined || policy === 'noeviction' || limit === 0) return
  context.diagnostics.warn(
    'PXU_WRN_STORE_REDIS_EVICTS',
    `Redis has the maxmemory-policy ${policy}: when its memory is full, it removes counts and unsent events of px-usage. Set maxmemory-policy to noeviction, or give px-usage a Redis of its own.`,
  )
}
