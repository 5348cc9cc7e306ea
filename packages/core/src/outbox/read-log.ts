import { join } from 'node:path'
import { UsageError } from '../errors.ts'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { type Disk, namesIn } from '../files/disk.ts'
import { newerOutbox } from './open-line-file.ts'
import { newestStateLog, type OutboxReplay, readStateLog } from './outbox-log.ts'

const what = 'which of the waiting events were sent, so px-usage looks them up in PX before it resends them'

/**
 * Reads what became of the lines. A log that can never be read is set aside.
 *
 * @throws {UsageError} if a newer px-usage wrote it
 * @throws what the disk throws, if the log may be readable later
 */
export async function readLog(
  disk: Disk,
  folder: string,
  history: OutboxReplay,
  damaged: DamagedFiles,
): Promise<'clean' | 'torn' | 'damaged' | 'missing'> {
  const log = newestStateLog(disk, folder)
  if (log === undefined) {
    const hasLines = namesIn(disk, folder).some((name) => name.endsWith('.lines'))
    if (hasLines) damaged.reportMissing(join(folder, 'state.*.log'), what)
    return hasLines ? 'damaged' : 'missing'
  }
  try {
    const { how, path } = await readStateLog(disk, folder, (change) => history.apply(change))
    if (how === 'newer') throw newerOutbox(path)
    if (how === 'damaged') await damaged.copyFrom(path, 0, what)
    return how
  } catch (error) {
    if (error instanceof UsageError || !damaged.isLasting(log, error)) throw error
    damaged.setAside(log, what)
    return 'damaged'
  }
}
