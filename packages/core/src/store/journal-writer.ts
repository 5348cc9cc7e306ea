import { CountsEncoder } from '../counting/journal-counts.ts'
import { encodeFrame, frameSeed, frameTypes } from '../counting/journal-frames.ts'
import type { Disk } from './disk.ts'
import { makeFolder, syncContent, syncFolder, writeWhole } from './disk.ts'
import { formatVersion, type JournalHeader, journalFolder, journalPath } from './journal-files.ts'
import type { CountBatch, UsageDay } from './store.ts'

export interface JournalWriterSettings {
  disk: Disk
  dir: string
  journalId: string
  timeZone: string
  host: string
  boot: string
  /** How long a write took, ms. */
  onWrite(tookMs: number): void
  elapsed(): number
  /** A file was removed while it was written to, and has been written anew. */
  onRescue(path: string): void
  /** A file is full and complete, and a new one is begun. */
  onFull(day: UsageDay, part: number): void
  /** A new file is begun after so many bytes of gains; what describes series is not counted, as each file says it anew. */
  partBytes: number
}

/** The journals of this process, one for each usage day: append-only files that survive it. */
export interface JournalWriter {
  /**
   * Writes a batch. A long one is written in pieces, between which the event loop gets its turn.
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

interface OpenPart {
  file: number
  path: string
  /** End of the last good frame. */
  size: number
  describedBytes: number
  encoder: CountsEncoder
  dirty: boolean
  /** Settles when no sync is going on. */
  synced: Promise<void>
}

interface DayJournal {
  day: UsageDay
  part: number
  sequence: number
  open: OpenPart | undefined
}

/** What is encoded and written at once: a thousand new series or some ten thousand known ones, a few milliseconds' work. */
const pieceBytes = 64 * 1024

export function createJournalWriter(settings: JournalWriterSettings): JournalWriter {
  const { disk, dir, journalId, elapsed } = settings
  const seed = frameSeed(journalId)
  const journals = new Map<UsageDay, DayJournal>()
  /** A batch of which the first `done` series are written already. */
  let begun: { sequence: number; done: number } | undefined

  function open(journal: DayJournal): OpenPart {
    if (journal.open !== undefined) {
      const { nlink } = disk.fstatSync(journal.open.file)
      if (nlink > 0) return journal.open
      return rescue(journal, journal.open)
    }
    return begin(journal)
  }

  function begin(journal: DayJournal): OpenPart {
    makeFolder(disk, journalFolder(dir, journal.day))
    const number = journal.part + 1
    const path = journalPath(dir, journal.day, journalId, number, number)
    const file = disk.openSync(path, 'wx+', 0o600)
    const header: JournalHeader = {
      format: formatVersion,
      journalId,
      day: journal.day,
      timeZone: settings.timeZone,
      host: settings.host,
      boot: settings.boot,
      firstSequence: journal.sequence + 1,
    }
    const frame = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0)
    try {
      writeWhole(disk, file, frame, 0)
    } catch (error) {
      disk.closeSync(file)
      disk.rmSync(path, { force: true })
      throw error
    }
    journal.part = number
    journal.open = {
      file,
      path,
      size: frame.length,
      describedBytes: 0,
      encoder: new CountsEncoder(),
      dirty: true,
      synced: Promise.resolve(),
    }
    // A power cut must not take the name of a file whose content was synced.
    void syncFolder(disk, journalFolder(dir, journal.day)).catch(() => {})
    return journal.open
  }

  /** The file was removed while it was open. Its content is still there as long as it is, so it is copied to the old name. */
  function rescue(journal: DayJournal, lost: OpenPart): OpenPart {
    makeFolder(disk, journalFolder(dir, journal.day))
    const file = disk.openSync(lost.path, 'wx+', 0o600)
    const bytes = Buffer.allocUnsafe(1024 * 1024)
    for (let at = 0; at < lost.size; ) {
      const count = disk.readSync(lost.file, bytes, 0, Math.min(bytes.length, lost.size - at), at)
      writeWhole(disk, file, bytes.subarray(0, count), at)
      at += count
    }
    disk.closeSync(lost.file)
    journal.open = { ...lost, file, dirty: true }
    settings.onRescue(lost.path)
    return journal.open
  }

  function write(part: OpenPart, frame: Buffer): void {
    const from = elapsed()
    writeWhole(disk, part.file, frame, part.size)
    part.size += frame.length
    part.dirty = true
    settings.onWrite(elapsed() - from)
  }

  /** After a failed write: cuts the file back to its last good frame, or leaves it for a new one if even that fails. */
  function cutBack(journal: DayJournal, part: OpenPart): void {
    part.encoder.undo()
    try {
      disk.ftruncateSync(part.file, part.size)
    } catch {
      journal.open = undefined
      try {
        disk.closeSync(part.file)
      } catch {}
    }
  }

  /** Writes up to a piece of the batch. @returns whether that was all */
  function writePiece(journal: DayJournal, batch: CountBatch): boolean {
    const part = open(journal)
    const from = begun?.sequence === batch.sequence ? begun.done : 0
    let to = batch.size
    let place = 0
    part.encoder.begin(journal.sequence + 1)
    try {
      batch.forEach((id, gained) => {
        if (place >= from && place < to) {
          part.encoder.gain(batch, id, gained)
          if (part.encoder.bytes > pieceBytes) to = place + 1
        }
        place += 1
      })
      write(part, encodeFrame(frameTypes.counts, part.encoder.payload(), seed))
    } catch (error) {
      cutBack(journal, part)
      throw error
    }
    journal.sequence += 1
    part.describedBytes += part.encoder.describedBytes
    begun = { sequence: batch.sequence, done: to }
    if (part.size - part.describedBytes > settings.partBytes) rotate(journal, part)
    return to === batch.size
  }

  function rotate(journal: DayJournal, full: OpenPart): void {
    const number = journal.part
    try {
      begin(journal)
    } catch {
      // Too many open files, or no space: the full one goes on.
      return
    }
    void syncPart(full)
      .catch(() => {})
      .then(() => {
        disk.closeSync(full.file)
        settings.onFull(journal.day, number)
      })
      .catch(() => {})
  }

  async function writeRest(journal: DayJournal, batch: CountBatch): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (!writePiece(journal, batch))
  }

  function syncPart(part: OpenPart): Promise<void> {
    part.synced = part.synced
      .catch(() => {})
      .then(async () => {
        if (!part.dirty) return
        part.dirty = false
        try {
          await syncContent(disk, part.file)
        } catch (error) {
          part.dirty = true
          throw error
        }
      })
    return part.synced
  }

  async function finish(journal: DayJournal, part: OpenPart): Promise<void> {
    journal.open = undefined
    try {
      await syncPart(part)
    } finally {
      disk.closeSync(part.file)
    }
  }

  return {
    append(batch) {
      let journal = journals.get(batch.day)
      if (journal === undefined) {
        journal = { day: batch.day, part: 0, sequence: 0, open: undefined }
        journals.set(batch.day, journal)
      }
      if (!writePiece(journal, batch)) return writeRest(journal, batch)
    },

    async seal(day) {
      const journal = journals.get(day)
      if (journal?.open === undefined) return
      const part = open(journal)
      const payload = Buffer.alloc(8)
      payload.writeDoubleLE(journal.sequence)
      try {
        write(part, encodeFrame(frameTypes.seal, payload, seed))
      } catch (error) {
        cutBack(journal, part)
        throw error
      }
      await finish(journal, part)
    },

    async sync() {
      await Promise.all([...journals.values()].map(({ open }) => open && syncPart(open)))
    },

    get isDirty() {
      for (const { open } of journals.values()) if (open?.dirty) return true
      return false
    },

    async close() {
      for (const journal of journals.values()) {
        if (journal.open !== undefined) await finish(journal, open(journal))
      }
    },
  }
}
