import { CountsEncoder } from '../counting/journal-counts.ts'
import { encodeFrame, frameTypes } from '../counting/journal-frames.ts'
import { type Disk, syncContent, writeWhole } from './disk.ts'
import type { JournalHeader } from './journal-files.ts'

/** A file of a journal that is being written. */
export interface JournalPart {
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

/** A new file with its head. @throws whatever the disk throws; then there is no such file */
export function beginPart(disk: Disk, path: string, header: JournalHeader): JournalPart {
  const file = disk.openSync(path, 'wx+', 0o600)
  const frame = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify(header)), 0)
  try {
    writeWhole(disk, file, frame, 0)
  } catch (error) {
    disk.closeSync(file)
    disk.rmSync(path, { force: true })
    throw error
  }
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

/** Whether somebody removed the file. Its content is still there as long as it is open. */
export function isGone(disk: Disk, { file }: JournalPart): boolean {
  return disk.fstatSync(file).nlink === 0
}

/** Copies what is left of a file that is gone to the old name. */
export function rescuePart(disk: Disk, lost: JournalPart): JournalPart {
  const file = disk.openSync(lost.path, 'wx+', 0o600)
  const bytes = Buffer.allocUnsafe(1024 * 1024)
  for (let at = 0; at < lost.size; ) {
    const count = disk.readSync(lost.file, bytes, 0, Math.min(bytes.length, lost.size - at), at)
    writeWhole(disk, file, bytes.subarray(0, count), at)
    at += count
  }
  disk.closeSync(lost.file)
  return { ...lost, file, dirty: true }
}

/** After a failed write: cuts the file back to its last good frame. @returns whether it can be written on */
export function cutBackPart(disk: Disk, part: JournalPart): boolean {
  part.encoder.undo()
  try {
    disk.ftruncateSync(part.file, part.size)
    return true
  } catch {
    try {
      disk.closeSync(part.file)
    } catch {}
    return false
  }
}

/** One sync of a file at a time, and none if nothing was written since. */
export function syncPart(disk: Disk, part: JournalPart): Promise<void> {
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

export async function finishPart(disk: Disk, part: JournalPart): Promise<void> {
  try {
    await syncPart(disk, part)
  } finally {
    disk.closeSync(part.file)
  }
}
