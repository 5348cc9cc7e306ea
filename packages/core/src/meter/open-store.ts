import { storeError, textWithReason, type UsageError } from '../errors.ts'
import type { Store, StoreContext } from '../model/store.ts'

/** How soon a store that could not be opened is tried again: a full disk or a missing right may have been mended. */
const retryMs = 60_000

export interface StoreOpening {
  /** Makes the first attempt. To be called before anything else. @param onOpen called once, when the store is open */
  start(onOpen: () => Promise<void>): void
  /** Resolves when the store is open. @throws {UsageError} what the last attempt failed with, as long as it is not */
  opened(): Promise<void>
  /** The same, but a store that could not be opened is tried again at once: what was in the way may be mended by now. */
  tryNow(): Promise<void>
  /** One more attempt at once, if the last one failed, and none later. */
  stop(): void
}

/** Opens a store, and tries again until it is open. Meanwhile counts stay in memory. */
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
      // A store that belongs to another meter is not waited for.
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
    ? 'Counts wait in memory until it can; it is tried again each minute.'
    : 'Nothing that this meter counts can be stored.'
}
