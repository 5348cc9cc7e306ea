import { basename } from 'node:path'
import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { type Disk, writeWhole } from '../files/disk.ts'
import { formatVersion } from '../files/frames.ts'
import { closeQuietly, openToRead } from '../files/held-file.ts'
import { closedDayOf } from './closed-days.ts'
import { encodeHeader, type LineFileEnd, type LineFileHeader, newHeader, readLineFile } from './line-file.ts'

interface OpenLineFile {
  readonly file: number
  readonly header: LineFileHeader
  readonly headerEnd: number
  readonly size: number
  /** `undefined` for single lines, and for a closed day whose end is damaged. */
  readonly end: LineFileEnd | undefined
}

/**
 * Opens a file of lines for reading and cutting. A file that can never be read is set aside.
 *
 * @returns `undefined` if it was set aside
 * @throws {UsageError} if a newer px-usage wrote it
 * @throws what the disk throws, if the file may be readable later
 */
export async function openLineFile(
  disk: Disk,
  path: string,
  damaged: DamagedFiles,
): Promise<OpenLineFile | undefined> {
  let file: number | undefined
  try {
    file = openToRead(disk, path, 'r+')
    const read = await readLineFile(disk, file)
    if (read.header.format > formatVersion) throw newerOutbox(path)
    if (read.end === undefined && read.header.day !== undefined) {
      await damaged.copyFrom(path, 0, 'the events of a closed day behind the damage')
    }
    return { file, ...read }
  } catch (error) {
    if (file !== undefined) closeQuietly(disk, file)
    if (error instanceof UsageError || !damaged.isLasting(path, error)) throw error
    damaged.setAside(path, 'its events')
    leaveHead(disk, path)
    return undefined
  }
}

/** Leaves a header, so that the revision is not used again: PX would take the events of the next close for those it has. */
function leaveHead(disk: Disk, path: string): void {
  const closed = closedDayOf(basename(path))
  if (closed === undefined) return
  const file = disk.openSync(path, 'wx', 0o600)
  try {
    writeWhole(disk, file, encodeHeader(newHeader(closed)), 0)
  } finally {
    closeQuietly(disk, file)
  }
}

export function newerOutbox(path: string): UsageError {
  return new UsageError(
    'PXU_ERR_STORE_UNREADABLE',
    `${path} was written by a newer px-usage, so this one does not change it. Use the px-usage that wrote it, or move the folder away to start again.`,
  )
}
