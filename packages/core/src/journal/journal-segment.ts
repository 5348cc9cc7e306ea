import { type Disk, syncContent, writeWhole } from '../files/disk.ts'
import { encodeFrame, frameTypes } from '../files/frames.ts'
import { closeQuietly, isReplaced } from '../files/held-file.ts'
import { CountsEncoder } from './journal-counts.ts'
import type { JournalHeader } from './journal-files.ts'

/** A file of a journal that is being written. */
export interface JournalSegment {
  file: number
  path: string
  /** End of the last good frame. */
  size: number
  describedBytes: number
  encoder: CountsEncoder
  dirty: boolean
  /** When it was seen to be there last, by the monotonic clock. */
  seenAtMs: number
  /** Settles when no sync is going on. */
  synced: Promise<void>
}

/**
 * A new file, which gets its name once its header stands in it: a file without one is damaged.
 *
 * @throws whatever the disk throws; then there is no such file
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
 * Whether the file is no longer the one at its path: it was removed, its folder was moved away, restored from a copy, or is
 * covered by a volume. Its content is still there as long as it is open.
 */
export function isGone(disk: Disk, { file, path }: JournalSegment): boolean {
  return isReplaced(disk, file, path)
}

/**
 * Puts the content of a file that is gone at its old path again, as one step: a copy that fails, on a full disk for one,
 * leaves nothing that would be in the way of the next attempt, and what a restored folder has there stays until then.
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

/** Opens a file, writes to it, and then gives it its name. After a failure nothing is in the way of the next attempt. */
function writeAside(disk: Disk, path: string, write: (file: number) => void): number {
  const aside = `${path}.tmp`
  const file = disk.openSync(aside, 'w+', 0o600)
  try {
    write(file)
    disk.renameSync(aside, path)
    return file
  } catch (error) {
    closeQuietly(disk, file)
    try {
      disk.rmSync(aside, { force: true })
    } catch {
      // The next attempt begins it again.
    }
    throw error
  }
}

/** After a failed write: cuts the file back to its last good frame. @returns whether it can be written on */
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

/** One sync of a file at a time, and none if nothing was written since. */
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

/** Syncs and closes a file. What it holds is known to the system, so a failing close costs nothing. */
export async function finishSegment(disk: Disk, segment: JournalSegment): Promise<void> {
  try {
    await syncSegment(disk, segment)
  } finally {
    closeQuietly(disk, segment.file)
  }
}
