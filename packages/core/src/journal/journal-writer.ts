import { eventLoopTurn } from '../clock.ts'
import { type Disk, makeFolder, syncFolder, writeLater, writeWhole } from '../files/disk.ts'
import { encodeFrame, formatVersion, frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly } from '../files/held-file.ts'
import type { CountBatch, UsageDay } from '../model/series.ts'
import { journalFolder, journalPath } from './journal-files.ts'
import { encodePiece, type Piece } from './journal-piece.ts'
import {
  beginSegment,
  cutBackSegment,
  finishSegment,
  isGone,
  type JournalSegment,
  rescueSegment,
  syncSegment,
} from './journal-segment.ts'

export interface JournalWriterSettings {
  disk: Disk
  dir: string
  journalId: string
  timeZone: string
  host: string
  boot: string
  /** Called with the duration of each write, ms. */
  onWrite(tookMs: number): void
  /** Whether writes were slow lately. If so, the event loop does not wait for them. */
  isSlow(): boolean
  elapsed(): number
  /** Called when a file was removed or moved away while it was in use, and was written to its path again. */
  onRescue(path: string): void
  /** Called when a file is full and complete, and a new one was created. */
  onFull(day: UsageDay, segment: number): void
  /** Bytes of gains after which a new file is created. Descriptions of series do not count, because each file repeats them. */
  segmentBytes: number
}

/** Writes the journals of this process, one for each usage day: append-only files that survive the process. */
export interface JournalWriter {
  /**
   * Writes a batch. A long one is written in pieces, between which the event loop takes a turn. On a slow disk it is written off
   * the event loop.
   *
   * @throws what the disk throws; when the batch is offered again, it continues where it failed, and nothing is written twice
   */
  append(batch: CountBatch): void | Promise<void>
  /** Returns whether a part of a batch that failed is written, so that only this journal can take the rest. */
  hasBegun(batch: CountBatch): boolean
  /** Seals the journal of a day: its file is complete. Later counts go to a new file. */
  seal(day: UsageDay): Promise<void>
  /** Resolves when everything is on the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** The journal of this process for one day. */
interface OwnJournal {
  day: UsageDay
  segment: number
  sequence: number
  open: JournalSegment | undefined
  /** A batch of which the first `done` series are written. */
  begun: { sequence: number; done: number } | undefined
  /** Whether the last frame is a seal. */
  isSealed: boolean
  /** Settles when no write off the event loop is in progress. */
  written: Promise<unknown>
  isWriting: boolean
}

/** How long a file is assumed to be at its path, 1000 ms (1 second). A check before each write would add a fifth to its cost. */
const seenForMs = 1_000

export function createJournalWriter(settings: JournalWriterSettings): JournalWriter {
  const { disk, dir, journalId, elapsed } = settings
  const seed = frameSeed(journalId)
  const journals = new Map<UsageDay, OwnJournal>()

  function open(journal: OwnJournal): JournalSegment {
    const segment = journal.open
    if (segment === undefined) return begin(journal)
    if (elapsed() - segment.seenAtMs < seenForMs) return segment
    return whole(journal, segment)
  }

  /** Returns the same segment, or a new file with its content if another file, or none, is at its path. */
  function whole(journal: OwnJournal, segment: JournalSegment): JournalSegment {
    if (isGone(disk, segment)) {
      makeFolder(disk, journalFolder(dir, journal.day))
      journal.open = rescueSegment(disk, segment)
      journal.open.seenAtMs = elapsed()
      void syncFolder(disk, journalFolder(dir, journal.day)).catch(() => {})
      settings.onRescue(segment.path)
      return journal.open
    }
    // Set only after the check and the rescue: if either fails, the next write must try again, or counts would be lost.
    segment.seenAtMs = elapsed()
    return segment
  }

  function begin(journal: OwnJournal): JournalSegment {
    makeFolder(disk, journalFolder(dir, journal.day))
    const number = journal.segment + 1
    const segment = beginSegment(disk, journalPath(dir, journal.day, journalId, number, number), {
      format: formatVersion,
      journalId,
      day: journal.day,
      timeZone: settings.timeZone,
      host: settings.host,
      boot: settings.boot,
      firstSequence: journal.sequence + 1,
    })
    journal.segment = number
    journal.open = segment
    journal.isSealed = false
    // Without this sync, a power cut could remove the name of a file whose content was synced.
    void syncFolder(disk, journalFolder(dir, journal.day)).catch(() => {})
    return segment
  }

  function write(segment: JournalSegment, frame: Buffer): void {
    const from = elapsed()
    writeWhole(disk, segment.file, frame, segment.size)
    wrote(segment, frame, from)
  }

  function wrote(segment: JournalSegment, frame: Buffer, from: number): void {
    segment.size += frame.length
    segment.dirty = true
    settings.onWrite(elapsed() - from)
  }

  /** Reverts a failed write. If that fails too, the next write creates a new file. */
  function cutBack(journal: OwnJournal, segment: JournalSegment): void {
    if (!cutBackSegment(disk, segment)) journal.open = undefined
  }

  function nextPiece(journal: OwnJournal, segment: JournalSegment, batch: CountBatch): Piece {
    const { begun } = journal
    const from = begun?.sequence === batch.sequence ? begun.done : 0
    return encodePiece(segment.encoder, batch, { from, sequence: journal.sequence + 1, seed })
  }

  /** @returns whether the piece was the last of its batch */
  function settle(journal: OwnJournal, segment: JournalSegment, batch: CountBatch, { to }: Piece): boolean {
    journal.sequence += 1
    segment.describedBytes += segment.encoder.describedBytes
    journal.begun = { sequence: batch.sequence, done: to }
    if (segment.size - segment.describedBytes > settings.segmentBytes) rotate(journal, segment)
    return to === batch.size
  }

  function writePiece(journal: OwnJournal, batch: CountBatch): boolean {
    const segment = open(journal)
    let piece: Piece
    try {
      piece = nextPiece(journal, segment, batch)
      write(segment, piece.frame)
    } catch (error) {
      cutBack(journal, segment)
      throw error
    }
    return settle(journal, segment, batch, piece)
  }

  async function writePieceLater(journal: OwnJournal, batch: CountBatch): Promise<boolean> {
    const segment = open(journal)
    let piece: Piece
    try {
      piece = nextPiece(journal, segment, batch)
      const from = elapsed()
      await writeLater(disk, segment.file, piece.frame, segment.size)
      wrote(segment, piece.frame, from)
    } catch (error) {
      cutBack(journal, segment)
      throw error
    }
    return settle(journal, segment, batch, piece)
  }

  function rotate(journal: OwnJournal, full: JournalSegment): void {
    const number = journal.segment
    try {
      begin(journal)
    } catch {
      // Too many files are open, or the disk is full: the full file stays in use.
      return
    }
    void finishSegment(disk, full)
      .catch(() => {})
      .then(() => settings.onFull(journal.day, number))
  }

  async function writeRest(journal: OwnJournal, batch: CountBatch): Promise<void> {
    do await eventLoopTurn()
    while (!writePiece(journal, batch))
  }

  async function writeAllLater(journal: OwnJournal, batch: CountBatch): Promise<void> {
    journal.isWriting = true
    try {
      while (!(await writePieceLater(journal, batch)));
    } finally {
      journal.isWriting = false
    }
  }

  /** Syncs and closes the file of a day. @throws if its content cannot be kept in two attempts; the file is closed in any case */
  async function closeJournal(journal: OwnJournal): Promise<void> {
    await journal.written
    if (journal.open === undefined) return
    const keep = async (segment: JournalSegment) => syncSegment(disk, whole(journal, segment))
    try {
      await keep(journal.open).catch(() => journal.open && keep(journal.open))
    } finally {
      closeQuietly(disk, journal.open.file)
      journal.open = undefined
    }
  }

  async function finish(journal: OwnJournal, segment: JournalSegment): Promise<void> {
    journal.open = undefined
    await finishSegment(disk, segment)
  }

  return {
    append(batch) {
      let journal = journals.get(batch.day)
      if (journal === undefined) {
        journal = {
          ...{ day: batch.day, segment: 0, sequence: 0, open: undefined, begun: undefined },
          ...{ isSealed: false, written: Promise.resolve(), isWriting: false },
        }
        journals.set(batch.day, journal)
      }
      if (settings.isSlow()) {
        const writing = writeAllLater(journal, batch)
        journal.written = writing.catch(() => {})
        return writing
      }
      if (!writePiece(journal, batch)) return writeRest(journal, batch)
    },

    hasBegun: ({ day, sequence }) => journals.get(day)?.begun?.sequence === sequence,

    async seal(day) {
      const journal = journals.get(day)
      await journal?.written
      if (journal === undefined || journal.isSealed) return
      // A write that could not be reverted leaves no open file. Without a seal the day would stay open.
      const segment = journal.open === undefined ? begin(journal) : whole(journal, journal.open)
      const payload = Buffer.alloc(8)
      payload.writeDoubleLE(journal.sequence)
      try {
        write(segment, encodeFrame(frameTypes.seal, payload, seed))
      } catch (error) {
        cutBack(journal, segment)
        throw error
      }
      journal.isSealed = true
      await finish(journal, segment)
    },

    async sync() {
      const syncing = async (journal: OwnJournal) => {
        if (!journal.open?.dirty) return
        // A write off the event loop still goes to the open file, so that file must not be replaced now.
        await syncSegment(disk, journal.isWriting ? journal.open : whole(journal, journal.open))
      }
      await Promise.all([...journals.values()].map(syncing))
    },

    async close() {
      let failure: unknown
      for (const journal of journals.values()) {
        await closeJournal(journal).catch((error: unknown) => {
          failure ??= error
        })
      }
      if (failure !== undefined) throw failure
    },
  }
}
