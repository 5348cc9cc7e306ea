import { eventLoopTurn } from '../clock.ts'
import { type Disk, makeFolder, syncFolder, writeLater, writeWhole } from '../files/disk.ts'
import { encodeFrame, formatVersion, frameSeed, frameTypes } from '../files/frames.ts'
import { closeQuietly } from '../files/held-file.ts'
import type { CountBatch, UsageDay } from '../model/series.ts'
import { journalFolder, journalPath } from './journal-files.ts'
import { encodePiece, type Piece } from './journal-piece.ts'
import {
  beginPart,
  cutBackPart,
  finishPart,
  isGone,
  type JournalPart,
  rescuePart,
  syncPart,
} from './journal-segment.ts'

export interface JournalWriterSettings {
  disk: Disk
  dir: string
  journalId: string
  timeZone: string
  host: string
  boot: string
  /** How long a write took, ms. */
  onWrite(tookMs: number): void
  /** Whether writes were slow lately: then the event loop does not wait for them. */
  isSlow(): boolean
  elapsed(): number
  /** A file was removed or moved away while it was written to, and has been written to its place again. */
  onRescue(path: string): void
  /** A file is full and complete, and a new one is begun. */
  onFull(day: UsageDay, part: number): void
  /** A new file is begun after so many bytes of gains; what describes series is not counted, as each file says it anew. */
  partBytes: number
}

/** The journals of this process, one for each usage day: append-only files that survive it. */
export interface JournalWriter {
  /**
   * Writes a batch. A long one is written in pieces, between which the event loop gets its turn; on a slow disk it is written
   * off the event loop.
   *
   * @throws whatever the disk throws; offered again, the batch goes on where it failed, and nothing is written twice
   */
  append(batch: CountBatch): void | Promise<void>
  /** Ends the journal of a day: its file is complete. Counts that come later all the same go into a new file. */
  seal(day: UsageDay): Promise<void>
  /** Waits until everything is on the disk. */
  sync(): Promise<void>
  /** Whether something was written since the last `sync()`. */
  readonly isDirty: boolean
  close(): Promise<void>
}

interface DayJournal {
  day: UsageDay
  part: number
  sequence: number
  open: JournalPart | undefined
  /** A batch of which the first `done` series are written already. */
  begun: { sequence: number; done: number } | undefined
  /** Whether what was written last says that nothing follows. */
  isSealed: boolean
  /** Settles when nothing is being written off the event loop. */
  written: Promise<unknown>
  isWriting: boolean
}

/** How long a file is believed to be there: to ask before each write would be a fifth of what a write costs. */
const seenForMs = 1_000

export function createJournalWriter(settings: JournalWriterSettings): JournalWriter {
  const { disk, dir, journalId, elapsed } = settings
  const seed = frameSeed(journalId)
  const journals = new Map<UsageDay, DayJournal>()

  function open(journal: DayJournal): JournalPart {
    const part = journal.open
    if (part === undefined) return begin(journal)
    if (elapsed() - part.seenAtMs < seenForMs) return part
    return whole(journal, part)
  }

  /** The same part, or a new file with its content if another one, or none, is at its path. */
  function whole(journal: DayJournal, part: JournalPart): JournalPart {
    if (isGone(disk, part)) {
      makeFolder(disk, journalFolder(dir, journal.day))
      journal.open = rescuePart(disk, part)
      journal.open.seenAtMs = elapsed()
      void syncFolder(disk, journalFolder(dir, journal.day)).catch(() => {})
      settings.onRescue(part.path)
      return journal.open
    }
    // Only now: as long as it cannot be found out, or not be rescued, nothing may count as written.
    part.seenAtMs = elapsed()
    return part
  }

  function begin(journal: DayJournal): JournalPart {
    makeFolder(disk, journalFolder(dir, journal.day))
    const number = journal.part + 1
    const part = beginPart(disk, journalPath(dir, journal.day, journalId, number, number), {
      format: formatVersion,
      journalId,
      day: journal.day,
      timeZone: settings.timeZone,
      host: settings.host,
      boot: settings.boot,
      firstSequence: journal.sequence + 1,
    })
    journal.part = number
    journal.open = part
    journal.isSealed = false
    // A power cut must not take the name of a file whose content was synced.
    void syncFolder(disk, journalFolder(dir, journal.day)).catch(() => {})
    return part
  }

  function write(part: JournalPart, frame: Buffer): void {
    const from = elapsed()
    writeWhole(disk, part.file, frame, part.size)
    wrote(part, frame, from)
  }

  function wrote(part: JournalPart, frame: Buffer, from: number): void {
    part.size += frame.length
    part.dirty = true
    settings.onWrite(elapsed() - from)
  }

  /** What could not be written is undone; if even that fails, the file is left for a new one. */
  function cutBack(journal: DayJournal, part: JournalPart): void {
    if (!cutBackPart(disk, part)) journal.open = undefined
  }

  function nextPiece(journal: DayJournal, part: JournalPart, batch: CountBatch): Piece {
    const { begun } = journal
    const from = begun?.sequence === batch.sequence ? begun.done : 0
    return encodePiece(part.encoder, batch, { from, sequence: journal.sequence + 1, seed })
  }

  /** @returns whether the piece was the last of its batch */
  function settle(journal: DayJournal, part: JournalPart, batch: CountBatch, { to }: Piece): boolean {
    journal.sequence += 1
    part.describedBytes += part.encoder.describedBytes
    journal.begun = { sequence: batch.sequence, done: to }
    if (part.size - part.describedBytes > settings.partBytes) rotate(journal, part)
    return to === batch.size
  }

  function writePiece(journal: DayJournal, batch: CountBatch): boolean {
    const part = open(journal)
    let piece: Piece
    try {
      piece = nextPiece(journal, part, batch)
      write(part, piece.frame)
    } catch (error) {
      cutBack(journal, part)
      throw error
    }
    return settle(journal, part, batch, piece)
  }

  async function writePieceLater(journal: DayJournal, batch: CountBatch): Promise<boolean> {
    const part = open(journal)
    let piece: Piece
    try {
      piece = nextPiece(journal, part, batch)
      const from = elapsed()
      await writeLater(disk, part.file, piece.frame, part.size)
      wrote(part, piece.frame, from)
    } catch (error) {
      cutBack(journal, part)
      throw error
    }
    return settle(journal, part, batch, piece)
  }

  function rotate(journal: DayJournal, full: JournalPart): void {
    const number = journal.part
    try {
      begin(journal)
    } catch {
      // Too many open files, or no space: the full one goes on.
      return
    }
    void finishPart(disk, full)
      .catch(() => {})
      .then(() => settings.onFull(journal.day, number))
  }

  async function writeRest(journal: DayJournal, batch: CountBatch): Promise<void> {
    do await eventLoopTurn()
    while (!writePiece(journal, batch))
  }

  async function writeAllLater(journal: DayJournal, batch: CountBatch): Promise<void> {
    journal.isWriting = true
    try {
      while (!(await writePieceLater(journal, batch)));
    } finally {
      journal.isWriting = false
    }
  }

  /** @throws if the content cannot be kept, twice; the file is closed all the same */
  async function closeJournal(journal: DayJournal): Promise<void> {
    await journal.written
    if (journal.open === undefined) return
    const keep = async (part: JournalPart) => syncPart(disk, whole(journal, part))
    try {
      await keep(journal.open).catch(() => journal.open && keep(journal.open))
    } finally {
      closeQuietly(disk, journal.open.file)
      journal.open = undefined
    }
  }

  async function finish(journal: DayJournal, part: JournalPart): Promise<void> {
    journal.open = undefined
    await finishPart(disk, part)
  }

  return {
    append(batch) {
      let journal = journals.get(batch.day)
      if (journal === undefined) {
        journal = {
          ...{ day: batch.day, part: 0, sequence: 0, open: undefined, begun: undefined },
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

    async seal(day) {
      const journal = journals.get(day)
      await journal?.written
      if (journal === undefined || journal.isSealed) return
      // After a write that could not be cut back there is none, and without a seal the day would stay open.
      const part = journal.open === undefined ? begin(journal) : whole(journal, journal.open)
      const payload = Buffer.alloc(8)
      payload.writeDoubleLE(journal.sequence)
      try {
        write(part, encodeFrame(frameTypes.seal, payload, seed))
      } catch (error) {
        cutBack(journal, part)
        throw error
      }
      journal.isSealed = true
      await finish(journal, part)
    },

    async sync() {
      const syncing = async (journal: DayJournal) => {
        if (!journal.open?.dirty) return
        // What is being written off the event loop goes to the open file.
        await syncPart(disk, journal.isWriting ? journal.open : whole(journal, journal.open))
      }
      await Promise.all([...journals.values()].map(syncing))
    },

    get isDirty() {
      for (const { open } of journals.values()) if (open?.dirty) return true
      return false
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
