import { randomBytes } from 'node:crypto'
import { type CountBatch, type Store, type StoreContext, UsageError } from '@px-usage/core'
import {
  type Disk,
  type NamespaceName,
  namespaceName,
  newJournalId,
  quoted,
  realDisk,
  storeError,
} from '@px-usage/core/adapter'
import { type Frame, framesOf } from './counting/frames.ts'
import { keepSeconds } from './key-names.ts'
import { leftoverNamespaces, namespaceText } from './leftovers.ts'
import { listNamespace, type OpenStore, openStore } from './open-store.ts'
import { parseRedisOptions, type RedisStoreOptions, type RedisStoreSettings } from './options.ts'
import { reserveTask } from './scripts/reserve-task.ts'
import { LocalCounts, namespacesIn } from './shipping/local-counts.ts'

/** How long counts stay in memory while Redis has never been reached, 1000 ms (1 second). */
const flushAfterMs = 1_000

/**
 * Creates a store that keeps counts and unsent events in Redis. All processes that use one Redis and one `keyPrefix` count
 * together, on any number of hosts: each user has one event per day. One process at a time closes the days and sends.
 *
 * Without `dir`, counts are sent to Redis each second, or less often if many processes send many. Until then they are in memory, and
 * `kill -9` loses them. With `dir`, they are written to that folder at the end of the same turn of the event loop, and survive the
 * process until Redis has them.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an invalid option
 */
export function redisStore(options: RedisStoreOptions): Store {
  return createRedisStore(parseRedisOptions(options))
}

/** Creates a Redis store whose `dir` is on a given disk; tests pass one that fails. */
export function redisStoreOn(disk: Disk, options: RedisStoreOptions): Store {
  return createRedisStore(parseRedisOptions(options), { disk })
}

/** @param leftover the namespace of earlier processes that the store is for; by default it is the namespace of its meter */
function createRedisStore(
  settings: RedisStoreSettings,
  { leftover, disk = realDisk }: { leftover?: NamespaceName; disk?: Disk } = {},
): Store {
  const { keyPrefix, dir } = settings
  let me = ''
  let local: LocalCounts | undefined
  let own: NamespaceName | undefined
  let opening: Promise<OpenStore> | undefined
  let open: OpenStore | undefined
  /** The frames of batches that Redis has not added yet, by the sequence of the batch. */
  const offered = new Map<number, Frame[]>()
  const lastSequences = new Map<string, number>()

  function notOpen(): UsageError {
    return new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The Redis store ${quoted(keyPrefix)} is not open.`)
  }

  async function using<T>(task: (open: OpenStore) => Promise<T>): Promise<T> {
    if (open === undefined) throw notOpen()
    return task(open)
  }

  function openLocal(context: StoreContext, namespace: string): Promise<void> | undefined {
    if (local === undefined) {
      const journalId = newJournalId(context.clock)
      me = leftover === undefined ? journalId : `leftover-${randomBytes(8).toString('hex')}`
      if (dir !== undefined) {
        local = new LocalCounts({ disk, dir, keyPrefix, namespace, me: journalId, context })
      }
    }
    return local?.open()
  }

  /** Sends what waits in the folder of this host, so that Redis has all counts of this process. */
  async function withAll<T>(task: (open: OpenStore) => Promise<T>): Promise<T> {
    return using(async (opened) => {
      await local?.ship()
      return task(opened)
    })
  }

  async function addToRedis(batch: CountBatch): Promise<void> {
    const into = open ?? (await opening)
    if (into === undefined) throw notOpen()
    const { members, writers, encoder, flushInterval } = into
    const frames = offered.get(batch.sequence) ?? framesOf(batch, encoder)
    await members.countsOn(batch.day)
    if (!offered.has(batch.sequence)) {
      offered.set(batch.sequence, frames)
      for (const frame of frames) writers[frame.shard]?.take(frame)
      flushInterval.add(frames.reduce((sum, { increments }) => sum + increments, 0))
    }
    const shards = new Set(frames.filter(({ isAdded }) => !isAdded).map(({ shard }) => shard))
    await Promise.all([...shards].map((shard) => writers[shard]?.send()))
    offered.delete(batch.sequence)
    lastSequences.set(batch.day, batch.sequence)
  }

  function settle(batch: CountBatch, isInFolder: boolean): void | Promise<void> {
    if (!isInFolder) return addToRedis(batch)
    lastSequences.set(batch.day, batch.sequence)
  }

  return {
    name: 'redis',
    durable: true,
    place: keyPrefix,
    get flushAfterMs() {
      if (dir !== undefined && !local?.isFailing) return local?.flushAfterMs ?? 0
      return open?.flushInterval.ms ?? flushAfterMs
    },

    async open(context) {
      if (opening !== undefined) {
        throw new UsageError(
          'PXU_ERR_STORE_IN_USE',
          'This Redis store belongs to another meter already. Give each meter its own store.',
        )
      }
      const { namespace, timeZone } = context
      own = namespace === undefined ? leftover : namespaceName(namespace, timeZone)
      const text = own === undefined ? 'default' : namespaceText(own)
      const openingLocal = openLocal(context, text)
      opening = openStore(settings, context, { namespace: text, me, local })
      opening.catch(() => {})
      await openingLocal
      try {
        open = await opening
      } catch (error) {
        opening = undefined
        throw storeError(`The Redis store ${quoted(keyPrefix)} cannot be used.`, error)
      }
    },

    add(batch) {
      if (batch.sequence <= (lastSequences.get(batch.day) ?? 0)) return
      // Redis may have some frames of a batch that was offered to it.
      if (local === undefined || offered.has(batch.sequence)) return addToRedis(batch)
      const added = local.add(batch)
      return typeof added === 'boolean'
        ? settle(batch, added)
        : added.then((isInFolder) => settle(batch, isInFolder))
    },

    seal: (day) => withAll(({ members }) => members.seal(day)),
    openDays: () => withAll(({ closer }) => closer.openDays()),

    async *totals(day) {
      yield* await withAll(async ({ closer }) => closer.totals(day))
    },

    closeDay: (day, makeLines, { force = false } = {}) =>
      withAll(({ closer }) => closer.close(day, makeLines, force)),

    revisionOf: (day) => using(({ closer }) => closer.revisionOf(day)),

    put: (lines) => using(({ outbox }) => outbox.put(lines)),
    claim: (limit) => using(({ outbox }) => outbox.claim(limit)),
    markAttempts: (ids, atMs) => using(({ outbox }) => outbox.markAttempts(ids, atMs)),
    settle: (settlements) => using(({ outbox }) => outbox.settle(settlements)),

    async *waiting() {
      if (open === undefined) throw notOpen()
      yield* open.outbox.waiting()
    },
    async *rejected() {
      if (open === undefined) throw notOpen()
      yield* open.outbox.rejected()
    },

    outboxCounts: () =>
      open?.outbox.counts() ?? { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 },
    isSender: () => using(({ outbox }) => outbox.isLeader()),
    cannotSend: () => using(({ outbox }) => outbox.cannotSend()),

    readNote: (name) =>
      using(async ({ fleet: { connection, keys } }) => {
        const value = await connection.read(['HGET', keys.notes, name], keys.notes)
        return value === null ? undefined : String(value)
      }),
    writeNote: (name, value) =>
      using(async ({ fleet: { connection, keys } }) => {
        await connection.read(['HSET', keys.notes, name, value], keys.notes)
      }),
    discardNote: (name) =>
      using(async ({ fleet: { connection, keys } }) => {
        await connection.read(['HDEL', keys.notes, name], keys.notes)
      }),

    reserve: (task, forMs) =>
      using(async ({ fleet: { connection, keys, me, now } }) => {
        return (await connection.run(reserveTask, [keys.tasks], [now(), me, task, forMs, keepSeconds])) === 1
      }),

    leftovers: () =>
      using(async (opened) => {
        if (own === undefined || leftover !== undefined) return []
        await listNamespace(opened.fleet, keyPrefix, namespaceText(own))
        const inFolder = dir === undefined ? [] : namespacesIn(disk, dir, keyPrefix)
        const found = await leftoverNamespaces(opened, keyPrefix, own, inFolder)
        return found.map((other) => ({
          name: `${other.destination} ${other.timeZone}`,
          timeZone: other.timeZone,
          store: createRedisStore(settings, { leftover: other, disk }),
        }))
      }),

    async close() {
      const closing = open ?? (await opening?.catch(() => undefined))
      open = undefined
      opening = undefined
      offered.clear()
      lastSequences.clear()
      closing?.fleet.connection.retryNoMore()
      const isDone = (await local?.close()) ?? true
      local = undefined
      if (closing === undefined) return
      // Neither holds data. After a while, the other processes find out by themselves that this one has ended.
      await closing.members.close(isDone).catch(() => {})
      await closing.outbox.close().catch(() => {})
    },
  }
}
