import { join, resolve } from 'node:path'
import { quoted, UsageError } from '../../errors.ts'
import { codeOf, type Disk, namesIn, realDisk } from '../../files/disk.ts'
import { diskError } from '../../files/disk-error.ts'
import type { StoreReader } from '../../model/store-reader.ts'
import { namespacesIn } from '../namespace-folder.ts'
import { createFolderReader } from './folder-reader.ts'

/**
 * Returns a reader for each namespace in the folder of a file store. It changes nothing there, so it may be used while a service
 * uses the folder.
 *
 * @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` if the folder does not exist, cannot be read, or is not the folder of a file store
 */
export function readFolder(dir: string, disk: Disk = realDisk): StoreReader[] {
  const root = resolve(dir)
  try {
    if (!disk.statSync(root).isDirectory()) throw notAStore(root, 'is not a folder')
    const found = namespacesIn(disk, root)
    if (found.length > 0)
      return found.map(({ dir, ...namespace }) => createFolderReader(disk, dir, namespace))
    const hasStore = ['journals', 'outbox'].some((name) => namesIn(disk, join(root, name)).length > 0)
    if (!hasStore) throw notAStore(root, 'has no counts of px-usage')
    // A store without a namespace: that of a test, or of a tool that opens the store itself.
    return [createFolderReader(disk, root, { product: '', destination: '', timeZone: 'UTC' })]
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (codeOf(error) === 'ENOENT') throw notAStore(root, 'does not exist')
    throw diskError(`The folder ${quoted(root)} cannot be read.`, error)
  }
}

function notAStore(root: string, what: string): UsageError {
  return new UsageError(
    'PXU_ERR_STORE_UNAVAILABLE',
    `The folder ${quoted(root)} ${what}. Give the dir of the service's file store (PX_USAGE_DIR).`,
  )
}
