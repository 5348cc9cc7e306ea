import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { createDamageReports, DamagedFiles } from '../files/damaged-files.ts'
import { type Disk, makeFolder, removeStaleTemporaries } from '../files/disk.ts'
import { diskError } from '../files/disk-error.ts'
import { createSlowWrites } from '../files/slow-writes.ts'
import type { CountBatch, UsageDay } from '../model/series.ts'
import { compactJournal } from './compact-journal.ts'
import { journalDays, journalFolder } from './journal-files.ts'
import { createJournalWriter } from './journal-writer.ts'
import { type JournalWriterId, shipmentFolder, shippedJournals, writerOf } from './shipment-files.ts'
import { type MakeShipment, type Shipment, Shipments, type ShippedJournal } from './shipments.ts'

export interface ShippingFolderSettings {
  disk: Disk
  dir: string
  clock: Clock
  diagnostics: Diagnostics
  timeZone: string
  journalId: string
  writer: JournalWriterId
  /** Called when a file was removed or moved away while it was in use, and was written to its path again. */
  onRescue(): void
}

/** A folder in which a process counts until another store has its counts. */
export interface ShippingFolder {
  /** Writes a batch to the journal of this process, as `JournalWriter.append` does. @throws {UsageError} if the disk fails */
  add(batch: CountBatch): void | Promise<void>
  /** Returns whether a part of a batch that failed is written, so that it must be added here again. */
  hasBegun(batch: CountBatch): boolean
  /** Whether writes were slow lately, so that they should not happen in every turn of the event loop. */
  isSlow(): boolean
  /** The journal of this process. */
  readonly own: ShippedJournal
  /** Turns all counts of this process into a shipment. @throws what the disk throws; then nothing has changed */
  freeze(makeLines: MakeShipment): Promise<Shipment | undefined>
  /** Returns the other journals in the folder. */
  others(): string[]
  /** Returns who wrote a journal, or `undefined` if no file of it shows it. @throws what the disk throws */
  writerOf(journalId: string): Promise<JournalWriterId | undefined>
  /** The shipments of the journal of a process that is dead. */
  shipmentsOf(journalId: string, writer: JournalWriterId): ShippedJournal
  /** Closes all files. What they contain stays. */
  close(): Promise<void>
}

const syncEveryMs = 1_000
/** Bytes of gains after which a journal continues in a new file, 64 MiB, and the number of full files that are compacted into one. */
const segmentBytes = 64 * 1024 * 1024
const compactedSegments = 4
/** Empty folders of days are removed after 259200000 ms (3 days). */
const keepDaysMs = 3 * 24 * 3_600_000

/** Opens a folder. The process must have shown there that it is alive: before that, another one would take its journal for a dead one's. */
export function openShippingFolder(settings: ShippingFolderSettings): ShippingFolder {
  const { disk, dir, clock, diagnostics, journalId } = settings
  const { unreadable, onDamagedFile } = createDamageReports(diagnostics)
  const damaged = new DamagedFiles({ disk, dir, now: clock.now, onDamage: onDamagedFile })
  const slowWrites = createSlowWrites((isSlow, reason) => degraded(reason, { writesEachTurn: !isSlow }))
  /** Settles when no files are being compacted or turned into a shipment: the one would take the files of the other. */
  let busy: Promise<unknown> = Promise.resolve()
  let cancelSync: (() => void) | undefined
  makeFolder(disk, dir)
  removeStaleTemporaries(disk, shipmentFolder(dir), clock.now())
  removeOldDays()

  /** Removes the empty folders of past days. A process may be about to write to that of today or yesterday. */
  function removeOldDays(): void {
    for (const day of journalDays(disk, dir)) {
      if (clock.now() - Date.parse(day) < keepDaysMs) continue
      try {
        disk.rmdirSync(journalFolder(dir, day))
      } catch {
        // It has counts that wait.
      }
    }
  }

  function degraded(reason: string, more: object = {}): void {
    diagnostics.publish('store:degraded', { path: dir, reason, ...more })
  }

  const writer = createJournalWriter({
    ...{ disk, dir, journalId, segmentBytes, timeZone: settings.timeZone, ...settings.writer },
    elapsed: clock.elapsed,
    onWrite: (tookMs) => slowWrites.record(tookMs, clock.elapsed()),
    isSlow: () => slowWrites.isSlow(clock.elapsed()),
    onFull(day, lastSegment) {
      if (lastSegment % compactedSegments === 0) compactLater(day, lastSegment)
    },
    onRescue(path) {
      degraded('it was removed or moved away, and is written to its place again', { path })
      settings.onRescue()
    },
  })

  /** Compacts full files, so that the folder grows with the number of series and not with the time that the other store is away. */
  function compactLater(day: UsageDay, lastSegment: number): void {
    busy = busy
      .then(() => compactJournal(disk, dir, { day, journalId, lastSegment }))
      .catch((error: unknown) => degraded('journals could not be compacted', { error }))
  }

  function syncLater(): void {
    cancelSync ??= clock.setTimer(() => {
      cancelSync = undefined
      writer.sync().catch((error: Error) => degraded('it could not be synced', { error }))
    }, syncEveryMs)
  }

  function notWritten(error: unknown) {
    degraded('counts could not be written', { error })
    return diskError(`Cannot write to ${dir}; px-usage will retry.`, error)
  }

  const shipmentsOf = (id: string, by: JournalWriterId) =>
    new Shipments({
      ...{ disk, dir, journalId: id, writer: by, damaged },
      onNewer(path) {
        const what = 'was written by a newer px-usage, so this one does not change it.'
        unreadable(path, `${path} ${what} Use the px-usage that wrote it.`)
      },
    })
  const own = shipmentsOf(journalId, settings.writer)

  return {
    own,
    shipmentsOf,
    add(batch) {
      try {
        const rest = writer.append(batch)
        if (rest === undefined) return syncLater()
        return rest.then(syncLater, (error: unknown) => Promise.reject(notWritten(error)))
      } catch (error) {
        throw notWritten(error)
      }
    },
    hasBegun: writer.hasBegun,
    isSlow: () => slowWrites.isSlow(clock.elapsed()),
    freeze(makeLines) {
      const frozen = busy.then(() => own.freeze(makeLines, writer.seal))
      busy = frozen.catch(() => {})
      return frozen
    },
    others: () => shippedJournals(disk, dir).filter((id) => id !== journalId),
    writerOf: (id) => writerOf(disk, dir, id),
    async close() {
      cancelSync?.()
      await busy
      await writer.close()
    },
  }
}
