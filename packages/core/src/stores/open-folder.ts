import { join } from 'node:path'
import { quoted } from '../errors.ts'
import { createDamageReports, DamagedFiles } from '../files/damaged-files.ts'
import { type Disk, makeFolder, maySync, removeStaleTemporaries } from '../files/disk.ts'
import { NoteFiles } from '../files/note-files.ts'
import { compactJournal } from '../journal/compact-journal.ts'
import { newJournalId } from '../journal/journal-files.ts'
import { createJournalWriter, type JournalWriter } from '../journal/journal-writer.ts'
import type { UsageDay } from '../model/series.ts'
import type { StoreContext } from '../model/store.ts'
import { Inbox } from '../outbox/inbox.ts'
import { DayJournals } from './day-journals.ts'
import { LeaderOutbox } from './leader-outbox.ts'
import { type LivenessMark, showAlive, thisHost } from './liveness.ts'
import { createSilence, type Silence } from './silence.ts'

/** What a process uses of a folder while its store is open. */
export interface OpenFolder extends StoreContext {
  readonly journalId: string
  readonly mark: LivenessMark
  readonly writer: JournalWriter
  readonly journals: DayJournals
  readonly inbox: Inbox
  readonly notes: NoteFiles
  readonly leaderOutbox: LeaderOutbox
  readonly silence: Silence
  /** Resolves when no files are being compacted. */
  compacted(): Promise<unknown>
}

export interface FolderSettings extends StoreContext {
  disk: Disk
  dir: string
  /** Bytes of gains after which a journal continues in a new file. */
  segmentBytes: number
  /** The most bytes of delivered lines that are kept. */
  keepSentBytes?: number | undefined
  onWrite(tookMs: number): void
  isSlow(): boolean
  degraded(reason: string, more?: object): void
}

/** Number of full files of a journal that are compacted into one. */
const compactedSegments = 4

/** Prepares a folder so that this process can count in it. What other processes left there is read when it is needed. */
export async function openFolder(given: FolderSettings): Promise<OpenFolder> {
  const { disk, dir, clock, diagnostics, timeZone, degraded } = given
  const journalId = newJournalId(clock)
  let compacting: Promise<unknown> = Promise.resolve()
  makeFolder(disk, dir)
  if (!(await maySync(disk, dir))) {
    diagnostics.warn(
      'PXU_WRN_STORE_NO_SYNC',
      `Node's permission model does not let this process sync files, so a power cut may lose counts in ${dir} that a crash of the process does not. Nothing else changes.`,
    )
  }
  for (const name of ['notes', 'inbox']) removeStaleTemporaries(disk, join(dir, name), clock.now())
  const { unreadable, onDamage, onDamagedFile } = createDamageReports(diagnostics)
  const mark = await showAlive({ disk, dir, clock, onDamage }, journalId)

  const damaged = new DamagedFiles({ disk, dir, now: clock.now, onDamage: onDamagedFile })

  function onReplaced(missing: number): void {
    const events = missing === 0 ? '' : ` ${missing} events that waited in it are missing.`
    diagnostics.report({
      code: 'PXU_ERR_STORE_UNREADABLE',
      message: `The folder ${dir} was removed, moved away or replaced while it was in use.${events} Stop the processes that use it before you move it.`,
    })
  }

  function onUnseenLeader(host: string): void {
    diagnostics.warn(
      'PXU_WRN_STORE_FOREIGN_WRITER',
      `The events in ${dir} were sent by a process on the host ${quoted(host)}, and this host cannot see whether it is alive. After ten minutes of its silence this process sends them. If the disk was copied, both do. Give each host its own dir (PX_USAGE_DIR).`,
    )
  }

  /** Compacts full files one after the other, without delaying counts. Until it is done, readers use the original files. */
  function compactLater(day: UsageDay, lastSegment: number): void {
    compacting = compacting
      .then(async () => {
        // A compacted file cannot be read in part, so the files of a day that was closed before must stay separate.
        const { contained } = await journals.closed.of(day)
        if (contained[journalId] === undefined)
          await compactJournal(disk, dir, { day, journalId, lastSegment })
      })
      .catch((error: unknown) => degraded('journals could not be compacted', { error }))
  }

  const settings = { disk, dir, clock, now: clock.now, damaged, silence: createSilence(clock) }
  const writer = createJournalWriter({
    ...settings,
    ...thisHost,
    journalId,
    timeZone,
    elapsed: clock.elapsed,
    onWrite: given.onWrite,
    isSlow: given.isSlow,
    segmentBytes: given.segmentBytes,
    onFull(day, segment) {
      if (segment % compactedSegments === 0) compactLater(day, segment)
    },
    onRescue(path) {
      degraded('it was removed or moved away, and is written to its place again', { path })
      void mark.renew().catch(() => {})
    },
  })
  const journals = new DayJournals({
    ...settings,
    onNewer(path) {
      const what =
        'was written by a newer px-usage, so this one does not change it. Use the px-usage that wrote it.'
      unreadable(path, `${path} ${what}`)
    },
    onUnseen(host) {
      diagnostics.warn(
        'PXU_WRN_STORE_FOREIGN_WRITER',
        `A journal in ${dir} was written on the host ${quoted(host)}, and this host cannot see whether its process is alive. Its day stays open until it has been silent for 24 hours. Give each host its own dir (PX_USAGE_DIR).`,
      )
    },
  })
  return {
    clock,
    diagnostics,
    timeZone,
    namespace: given.namespace,
    journalId,
    mark,
    writer,
    journals,
    inbox: new Inbox({ ...settings, onDamage }, journalId),
    notes: new NoteFiles({ ...settings, onDamage }),
    leaderOutbox: new LeaderOutbox(
      { ...settings, onDamage, onReplaced, onUnseenLeader, keepSentBytes: given.keepSentBytes },
      { journalId, ...thisHost },
    ),
    silence: settings.silence,
    compacted: () => compacting,
  }
}
