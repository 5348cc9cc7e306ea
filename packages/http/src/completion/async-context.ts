import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

/**
 * Captures the current async context, in which the app's callbacks run later.
 *
 * An AsyncResource takes 0.05 us, or 0.1 us while an AsyncLocalStorage is in use. `AsyncLocalStorage.snapshot()` takes 4 to 20 us
 * on Node 20 and 24. The resource is destroyed when it is garbage-collected, so the app's async hooks do see its end.
 */
export function currentContext(): AsyncResource {
  return new CallContext(contextType)
}

class CallContext extends AsyncResource {
  /** `jest --detectOpenHandles` asks it, and would report a context that is not garbage-collected yet as an open handle. */
  hasRef(): boolean {
    return false
  }
}

/** The type under which the app's async hooks see the resources of px-usage. */
export const contextType = 'PxUsageCall'

/**
 * The key under which Node 24 keeps all stores of a resource, as one map that it replaces whenever a store changes.
 *
 * Resources of Node 22 have the key as well, but without `--experimental-async-context-frame` nothing is ever kept under it, and
 * identify() would see no store. There each AsyncLocalStorage has a key of its own, which it shows as a property.
 */
const frameKey =
  'kResourceStore' in new AsyncLocalStorage()
    ? undefined
    : Object.getOwnPropertySymbols(currentContext()).find(({ description }) =>
        description?.endsWith('context_frame'),
      )

let isInUse = frameKey !== undefined

/**
 * Returns whether the app may have entered an AsyncLocalStorage.
 *
 * Node 20 and 22 have no frames. There the first use of an AsyncLocalStorage enables an async hook permanently, and Node rejects a
 * resource with an empty type only while a hook is enabled. Searching a resource for stores instead would take 0.3 us each time.
 */
export function areStoresInUse(): boolean {
  if (isInUse) return true
  try {
    new AsyncResource('')
  } catch {
    isInUse = true
  }
  return isInUse
}

/** Returns whether the context may have a store. Node 20 and 22 show that for the whole process only. */
export function mayHaveStores(context: AsyncResource): boolean {
  return frameKey === undefined ? areStoresInUse() : valueAt(context, frameKey) !== undefined
}

/**
 * Returns the later of two contexts of one request if it has more stores, and the earlier one otherwise.
 *
 * A body parser or a connection pool may continue a request in an empty context, or in that of another request. Then the later
 * context has lost a store of the earlier one, and the app's callbacks would read nothing or another request's values.
 */
export function richerContext(earlier: AsyncResource, later: AsyncResource): AsyncResource {
  if (frameKey !== undefined && valueAt(earlier, frameKey) === valueAt(later, frameKey)) return earlier
  return hasMore(later, earlier) && !hasMore(earlier, later) ? later : earlier
}

/** Returns whether `one` has a store that `other` lacks. A resource keeps stores by symbol on Node 20 and 22, and in one map on 24. */
function hasMore(one: AsyncResource, other: AsyncResource): boolean {
  if (frameKey !== undefined) return hasMoreEntries(frameOf(one, frameKey), frameOf(other, frameKey))
  return Object.getOwnPropertySymbols(one).some(
    (key) => valueAt(one, key) !== undefined && valueAt(other, key) === undefined,
  )
}

function hasMoreEntries(stores: Frame | undefined, others: Frame | undefined): boolean {
  if (stores === undefined || stores === others) return false
  for (const [storage, store] of stores)
    if (store !== undefined && others?.get(storage) === undefined) return true
  return false
}

/** A map of Node's own that does not inherit from `Map`, so `instanceof` does not recognise it. */
type Frame = Pick<ReadonlyMap<unknown, unknown>, 'get' | typeof Symbol.iterator>

function frameOf(resource: AsyncResource, key: symbol): Frame | undefined {
  return valueAt(resource, key) as Frame | undefined
}

function valueAt(resource: AsyncResource, key: symbol): unknown {
  return (resource as unknown as Record<symbol, unknown>)[key]
}
