import { fileStore, type Store } from '@px-usage/core'
import type { PastDays } from '@px-usage/core/adapter'
import { redisStore } from '@px-usage/redis'
import { failedError } from '../exit-codes.ts'
import { connectRedis } from '../place/connect-redis.ts'
import type { Settings } from '../settings.ts'

/** How often the lease of the process that sends is offered to a process of the service, 1000 ms (1 second). */
const yieldEveryMs = 1_000

/** Opens the store of a service, beside the service if it runs. @throws {CommandError} if it cannot be used */
export async function openOutbox({ place }: Settings, { context }: PastDays): Promise<Store> {
  if (place.kind === 'redis') return openRedis(place, context)
  const store = fileStore({ dir: place.dir })
  await opened(store, context)
  return store
}

async function openRedis(
  { url, keyPrefix }: { url: string; keyPrefix: string },
  context: PastDays['context'],
): Promise<Store> {
  const { sendCommand, close } = await connectRedis(url)
  const store = redisStore({ sendCommand, keyPrefix })
  try {
    await opened(store, context)
  } catch (error) {
    await close()
    throw error
  }
  // A store that is open takes the lease if no process has it. Without this a service that starts while the command waits for a
  // confirmation would neither close days nor send until the command ends.
  const timer = setInterval(() => void store.cannotSend?.().catch(() => {}), yieldEveryMs)
  return {
    ...store,
    async close() {
      clearInterval(timer)
      await store.close()
      await close()
    },
  }
}

async function opened(store: Store, context: PastDays['context']): Promise<void> {
  try {
    await store.open(context)
  } catch (error) {
    throw failedError((error as Error).message, error)
  }
}
