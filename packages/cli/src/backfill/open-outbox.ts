import { fileStore, type Store } from '@px-usage/core'
import type { PastDays } from '@px-usage/core/adapter'
import { failedError } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'

/** Opens the store of a service, beside the service if it runs. @throws {CommandError} if it cannot be used */
export async function openOutbox({ place }: Settings, { context }: PastDays): Promise<Store> {
  if (place.kind === 'redis') {
    throw failedError('backfill writes to a folder only, not to Redis yet. Give --dir.')
  }
  const store = fileStore({ dir: place.dir })
  try {
    await store.open(context)
  } catch (error) {
    throw failedError((error as Error).message, error)
  }
  return store
}
