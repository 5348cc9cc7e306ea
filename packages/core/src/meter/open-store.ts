import { storeError, textWithReason, type UsageError } from '../errors.ts'
import type { Store, StoreContext } from '../model/store.ts'

/** The delay before a store that could not be opened is opened again: 60000 ms (1 minute). The disk may have space by then. */
const retryMs = 60_000

/** The opening of a store. */
export interface StoreOpening {
  /** Makes the first attempt. Call it before the other methods. @param onOpen called once, when the store is open */
  start(onOpen: () => Promise<void>): void
  /** Resolves when the store is open. @throws {UsageError} the error of the last attempt, if it failed */
  opened(): Promise<void>
  /** Retries a failed attempt at once, because the cause may be fixed by now, and resolves when the store is open. */
  tryNow(): Promise<void>
  /** Makes one more attempt if the last one failed, and none later. */
  stop(): void
}

/** Creates the opening of a store, which retries until the store is open. Meanwhile counts stay in memory. */
export function createStoreOpening(store: Store, context: StoreContext): StoreOpening {
  const { clock, diagnostics } = context
  let attempt = Promise.resolve()
  let onOpen = async () => {}
  let isStopped = false
  let mayRetry = false
  let cancelRetry = () => {}

  function open(): void {
    mayRetry = false
    attempt = store.open(context).catch((error: unknown) => {
      const failure = storeError('The store could not be opened.', error)
      const message = `${textWithReason(failure)} ${consequenceOf(failure)}`
      diagnostics.report({ code: failure.code, message, cause: failure.cause }, { alsoWarns: true })
      // A store that belongs to another meter stays in use, so a retry would never succeed.
      mayRetry = failure.code === 'PXU_ERR_STORE_UNAVAILABLE'
      if (!isStopped && mayRetry) cancelRetry = clock.setTimer(open, retryMs)
      throw failure
    })
    // Those who wait for it see the failure; it has been reported above.
    attempt.then(onOpen).catch(() => {})
  }

  function retry(): void {
    cancelRetry()
    if (mayRetry) open()
  }

  return {
    start(given) {
      onOpen = given
      open()
    },
    opened: () => attempt,
    tryNow() {
      if (!isStopped) retry()
      return attempt
    },
    stop() {
      isStopped = true
      retry()
    },
  }
}

function consequenceOf({ code }: UsageError): string {
  return code === 'PXU_ERR_STORE_UNAVAILABLE'
    ? 'Counts wait in memory; px-usage will retry every minute.'
    : 'Nothing that this meter counts can be stored.'
}
