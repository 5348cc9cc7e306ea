import { type Disk, syncContent, writeWhole } from '../files/disk.ts'
import { encodeFrame, frameTypes } from '../files/frames.ts'
import { closeQuietly, discardFile, isReplaced } from '../files/held-file.ts'
import { CountsEncoder } from './journal-counts.ts'
import type { JournalHeader } from './journal-files.ts'

/** A file of a journal that is being written. */
export interface JournalSegment {
  file: number
  path: string
  /** End of the last intact frame. */
  size: number
  describedBytes: number
  encoder: CountsEncoder
  dirty: boolean
  /** When the file was last seen at its path, by the monotonic clock. */
  seenAtMs: number
  /** Settles when no sync is in progress. */
  synced: Promise<void>
}

/**
 * Creates a file, which gets its name only once its header is written: a journal file without a header counts as damaged.
 *
 * @throws what the disk throws; then there is no such file
 */
export function beginSegment(disk: Disk, path: string, header: JournalHeader): JournalSegment {
  const frame = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0)
  const file = writeAside(disk, path, (aside) => writeWhole(disk, aside, frame, 0))
  return {
    file,
    path,
    size: frame.length,
    describedBytes: 0,
    encoder: new CountsEncoder(),
    dirty: true,
    seenAtMs: Number.NEGATIVE_INFINITY,
    synced: Promise.resolve(),
  }
}

/**
 * Returns whether the file is no longer at its path: it was removed, or its folder was moved away, restored from a copy or
 * hidden by a mounted volume. Its content exists as long as it is open.
 */
export function isGone(disk: Disk, { file, path }: JournalSegment): boolean {
  return isReplaced(disk, file, path)
}

/**
 * Writes the content of a missing file to its old path in one step. A copy that fails, because the disk is full for example,
 * does not block the next attempt, and leaves the file that a restored folder has at that path.
 */
export function rescueSegment(disk: Disk, lost: JournalSegment): JournalSegment {
  const file = writeAside(disk, lost.path, (aside) => {
    const bytes = Buffer.allocUnsafe(Math.min(1024 * 1024, lost.size))
    for (let at = 0; at < lost.size; ) {
      const count = disk.readSync(lost.file, bytes, 0, Math.min(bytes.length, lost.size - at), at)
      if (count === 0) throw new Error(`${lost.path} ends at ${at}, before its last frame at ${lost.size}`)
      writeWhole(disk, aside, bytes.subarray(0, count), at)
      at += count
    }
  })
  closeQuietly(disk, lost.file)
  return { ...lost, file, dirty: true }
}

/** Opens a file, writes to it, and then gives it its name. A failure leaves nothing that blocks the next attempt. */
function writeAside(disk: Disk, path: string, write: (file: number) => void): number {
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'w+', 0o600)
  try {
    write(file)
    disk.renameSync(aside, path)
    return file
  } catch (error) {
    discardFile(disk, file, aside)
    throw error
  }
}

/** Cuts a file back to its last intact frame after a failed write. @returns whether it can be written to again */
export function cutBackSegment(disk: Disk, segment: JournalSegment): boolean {
  segment.encoder.undo()
  try {
    disk.ftruncateSync(segment.file, segment.size)
    return true
  } catch {
    closeQuietly(disk, segment.file)
    return false
  }
}

/** Syncs a file if something was written since the last sync. Only one sync runs at a time. */
export function syncSegment(disk: Disk, segment: JournalSegment): Promise<void> {
  segment.synced = segment.synced
    .catch(() => {})
    .then(async () => {
      if (!segment.dirty) return
      segment.dirty = false
      try {
        await syncContent(disk, segment.file)
      } catch (error) {
        segment.dirty = true
        throw error
      }
    })
  return segment.synced
}

/** Syncs and closes a file. The system has its content, so a close that fails loses nothing. */
export async function finishSegment(disk: Disk, segment: JournalSegment): Promise<void> {
  try {
    await syncSegment(disk, segment)
  } finally {
    closeQuietly(disk, segment.file)
  }
}
