import { resolve } from 'node:path'
import { quoted, UsageError } from '../errors.ts'
import { type Disk, realDisk } from '../files/disk.ts'
import { diskError } from '../files/disk-error.ts'
import { createSlowWrites } from '../files/slow-writes.ts'
import { oneByOne } from '../journal/journal-reader.ts'
import type { OutboxCounts } from '../model/outbox-line.ts'
import type { CountBatch, SeriesTotal, UsageDay } from '../model/series.ts'
import type { Store, StoreContext } from '../model/store.ts'
import { outboxFolder } from '../outbox/line-file.ts'
import { readWaitingLines } from '../outbox/read-outbox.ts'
import { readRejectedLines } from '../outbox/rejected-lines.ts'
import { leaderCheckMs, requireLeader } from './leader-outbox.ts'
import { leftoverFolders } from './leftover-folders.ts'
import { namespaceFolder, namespaceName } from './namespace-folder.ts'
import { type OpenFolder, openFolder } from './open-folder.ts'
import { prepareRoot } from './prepare-root.ts'

export interface FileStoreOptions {
  /** Folder for counts and outbox; created if it is missing. The processes of one host may share it. */
  dir: string
  /**
   * When counts are written, and so what `kill -9` can lose: at the end of the same turn of the event loop (`'turn'`; under load
   * every 1 or 2 ms), every 20 ms (`'interval'`), or each second (`'none'`). `'none'` also does not sync the disk, so a power cut
   * can lose more than the last second.
   *
   * @default 'turn'
   */
  durability?: 'turn' | 'interval' | 'none' | undefined
  /**
   * The most bytes of delivered lines that are kept, for at most 190 days, for `px-usage events`, `audit` and `export`. 0 keeps none.
   *
   * @default 268435456 (256 MiB), about 6 million events
   */
  keepSentBytes?: number | undefined
}

const flushAfterMs = { turn: 0, interval: 20, none: 1_000 } as const
const syncEveryMs = 1_000
/** Bytes of gains after which a journal continues in a new file: 64 MiB. */
const defaultSegmentBytes = 64 * 1024 * 1024
const noLines: OutboxCounts = { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 }

/**
 * Creates a store that keeps counts in journals, one for each process and day, and closed days in an outbox, all in one folder.
 * Counts are written at the end of the same turn of the event loop, so they survive the process, and synced each second, in
 * case of a power cut. Each process that shares the folder counts; one at a time closes the days and sends.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` for an invalid option
 */
export function fileStore(options: FileStoreOptions): Store {
  return fileStoreOn(realDisk, options)
}

/** Creates a file store on a given disk; tests pass one that fails. */
export function fileStoreOn(
  disk: Disk,
  { dir, durability = 'turn', keepSentBytes }: FileStoreOptions,
  segmentBytes: number = defaultSegmentBytes,
): Store {
  if (typeof dir !== 'string' || dir === '') throw invalid('dir', dir, 'Give the path of a folder.')
  if (!Object.hasOwn(flushAfterMs, durability)) {
    throw invalid('durability', durability, "Give 'turn', 'interval' or 'none'.")
  }
  if (keepSentBytes !== undefined && !(Number.isSafeInteger(keepSentBytes) && keepSentBytes >= 0)) {
    throw invalid('keepSentBytes', keepSentBytes, 'Give a whole number of bytes, 0 to keep none.')
  }
  const root = resolve(dir)
  /** The folder with the counts of this meter's namespace: `root`, or a subfolder. */
  let home = root
  let context: StoreContext | undefined
  /** Resolves when counts can be written. Until then `add` waits for it. */
  let opening: Promise<OpenFolder> | undefined
  let folder: OpenFolder | undefined
  /** The sequence of the last batch that was added, by day: batches of one day come in their order. */
  const lastSequences = new Map<UsageDay, number>()
  let cancelSync: (() => void) | undefined

  const slowWrites = createSlowWrites((isSlow, reason) => degraded(reason, { writesEachTurn: !isSlow }))

  function degraded(reason: string, more: object = {}): void {
    context?.diagnostics.publish('store:degraded', { path: home, reason, ...more })
  }

  /** Runs a task that the disk may make fail, and turns its failure into a `UsageError`. */
  async function using<T>(task: (folder: OpenFolder) => Promise<T>): Promise<T> {
    if (folder === undefined) throw notOpen()
    try {
      return await folder.leaderOutbox.during(task(folder))
    } catch (error) {
      throw failed(error)
    }
  }

  function failed(error: unknown): UsageError {
    return diskError(`Cannot read or write in ${home}; px-usage will retry.`, error)
  }

  async function* totalsOf(day: UsageDay): AsyncGenerator<readonly SeriesTotal[]> {
    if (folder === undefined) throw notOpen()
    try {
      yield* folder.journals.totals(day)
    } catch (error) {
      throw failed(error)
    }
  }

  function syncLater({ clock, writer }: OpenFolder): void {
    if (durability === 'none' || cancelSync !== undefined) return
    cancelSync = clock.setTimer(() => {
      cancelSync = undefined
      writer.sync().catch((error: Error) => degraded('it could not be synced', { error }))
    }, syncEveryMs)
  }

  async function openHome(given: StoreContext): Promise<OpenFolder> {
    prepareRoot(disk, root, given.diagnostics)
    if (given.namespace !== undefined)
      home = namespaceFolder(disk, root, namespaceName(given.namespace, given.timeZone))
    return openFolder({
      ...given,
      ...{ disk, dir: home, segmentBytes, keepSentBytes, degraded },
      onWrite: (tookMs) => slowWrites.record(tookMs, given.clock.elapsed()),
      isSlow: () => slowWrites.isSlow(given.clock.elapsed()),
    })
  }

  function write(batch: CountBatch, into: OpenFolder): void | Promise<void> {
    const notWritten = (error: unknown) => {
      degraded('counts could not be written', { error })
      return diskError(`Cannot write to ${home}; the counts stay in memory and px-usage will retry.`, error)
    }
    const taken = () => {
      lastSequences.set(batch.day, batch.sequence)
      syncLater(into)
    }
    try {
      const rest = into.writer.append(batch)
      if (rest === undefined) return taken()
      return rest.then(taken, (error: unknown) => Promise.reject(notWritten(error)))
    } catch (error) {
      throw notWritten(error)
    }
  }

  function notOpen(): UsageError {
    return new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The file store in ${home} is not open.`)
  }

  return {
    name: 'file',
    durable: true,
    place: dir,
    get flushAfterMs() {
      const isSlow = context !== undefined && slowWrites.isSlow(context.clock.elapsed())
      return isSlow ? Math.max(flushAfterMs.interval, flushAfterMs[durability]) : flushAfterMs[durability]
    },

    async open(given) {
      if (opening !== undefined) {
        throw new UsageError(
          'PXU_ERR_STORE_IN_USE',
          'This file store belongs to another meter already. Give each meter its own store.',
        )
      }
      context = given
      opening = openHome(given)
      opening.catch(() => {})
      try {
        folder = await opening
      } catch (error) {
        await close().catch(() => {})
        throw diskError(`The folder ${quoted(root)} cannot be used.`, error)
      }
      try {
        const outbox = await folder.leaderOutbox.outbox()
        if (outbox !== undefined) await folder.journals.sweep(outbox)
      } catch (error) {
        // Counts are safe without the outbox, and the next claim tries again.
        given.diagnostics.report(diskError(`The events in ${home} cannot be read now.`, error))
      }
    },

    add(batch) {
      if (batch.sequence <= (lastSequences.get(batch.day) ?? 0)) return
      if (folder !== undefined) return write(batch, folder)
      if (opening === undefined) throw notOpen()
      return opening.then(
        (opened) => write(batch, opened),
        () => Promise.reject(notOpen()),
      )
    },

    seal: (day) =>
      using(async ({ writer, compacted }) => {
        await compacted()
        await writer.seal(day)
      }),
    openDays: () => using(({ journals }) => journals.openDays()),

    totals: (day) => oneByOne(totalsOf(day)),

    closeDay: (day, makeLines, { force = false } = {}) =>
      using(async ({ leaderOutbox, journals, writer, compacted }) => {
        const outbox = await leaderOutbox.outbox()
        if (outbox === undefined) return { outcome: 'notLeader' }
        await compacted()
        await writer.seal(day)
        // If the close fails, the day may be closed all the same. Its lines are found when the outbox is read again.
        const reload = (error: unknown) => {
          leaderOutbox.reload()
          throw error
        }
        const closing = journals.close(day, makeLines, { force, mayCommit: () => leaderOutbox.holds() })
        const { result, name } = await closing.catch(reload)
        if (name !== undefined) await outbox.addFile(name).catch(() => leaderOutbox.reload())
        journals.forgetOld(leaderOutbox.current)
        return result
      }),

    revisionOf: (day) => using(async ({ journals }) => (await journals.closed.of(day)).revision),

    put: (lines) =>
      using(async ({ leaderOutbox, inbox }) => {
        const outbox = await leaderOutbox.outbox()
        await (outbox === undefined ? inbox.leave(lines) : outbox.put(lines))
      }),

    claim: (limit) =>
      using(async ({ leaderOutbox, inbox }) => {
        const outbox = await leaderOutbox.outbox()
        if (outbox === undefined) return { lines: [], nextDueInMs: leaderCheckMs, notLeader: true }
        await inbox.takeOut((lines) => outbox.put(lines))
        await inbox.takeCommands((command) => outbox.changeRejected(command))
        return outbox.claim(limit)
      }),

    markAttempts: (ids, atMs) => using(({ leaderOutbox }) => leaderOutbox.markAttempts(ids, atMs)),
    settle: (settlements) =>
      using(async ({ leaderOutbox }) => requireLeader(await leaderOutbox.outbox()).settle(settlements)),

    async *waiting() {
      if (folder === undefined) throw notOpen()
      yield* readWaitingLines(disk, home)
    },

    async *rejected() {
      if (folder === undefined) throw notOpen()
      yield* readRejectedLines(disk, outboxFolder(home))
    },

    outboxCounts: () => folder?.leaderOutbox.current?.counts() ?? noLines,
    isSender: () => using(async ({ leaderOutbox }) => (await leaderOutbox.outbox()) !== undefined),

    cannotSend: () => using(async ({ leaderOutbox }) => leaderOutbox.cannotSend()),

    readNote: (name) => using(async ({ notes }) => notes.read(name)),
    writeNote: (name, value) => using(({ notes }) => notes.write(name, value)),
    discardNote: (name) => using(async ({ notes }) => notes.discard(name)),
    reserve: (task, forMs) => using(({ notes, journalId }) => notes.reserve(task, journalId, forMs)),

    leftovers: () =>
      using(async ({ namespace, timeZone, clock, silence }) => {
        if (namespace === undefined) return []
        const found = await leftoverFolders(disk, root, namespaceName(namespace, timeZone), {
          clock,
          silence,
        })
        return found.map(({ dir, timeZone, destination }) => ({
          name: `${destination} ${timeZone}`,
          timeZone,
          store: fileStoreOn(disk, { dir, durability, keepSentBytes }, segmentBytes),
        }))
      }),

    close,
  }

  async function close(): Promise<void> {
    const closing = folder ?? (await opening?.catch(() => undefined))
    folder = undefined
    opening = undefined
    lastSequences.clear()
    cancelSync?.()
    cancelSync = undefined
    if (closing === undefined) return
    try {
      await closing.compacted()
      await closing.writer.close()
    } finally {
      // Neither holds data, and other processes detect by themselves that this one has ended.
      await Promise.allSettled([(async () => closing.leaderOutbox.close())(), closing.mark.release()])
    }
  }
}

function invalid(option: string, value: unknown, advice: string): UsageError {
  return new UsageError('PXU_ERR_OPTIONS_INVALID', `fileStore() got ${option} ${quoted(value)}. ${advice}`)
}
