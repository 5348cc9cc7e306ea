import { randomUUID } from 'node:crypto'
import { type IdentityInput, identityFault, usableIdentity } from '../attribution/identity.ts'
import { usableProperties } from '../attribution/properties.ts'
import { atEndOfTurn, type Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { quoted, storeError } from '../errors.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'
import type { Store } from '../model/store.ts'
import { trackedLine } from '../px/px-event.ts'

export interface TrackStats {
  /** Taken from the app: at any moment `tracked = held + put + dropped`. */
  tracked: number
  /** Not in the store yet. */
  held: number
  /** In the outbox of the store; `lines` tells what became of them. */
  put: number
  /** Lost, because the store failed for so long that there were too many to hold. */
  dropped: number
  /** No event was made of them: a name or an identity that PX cannot have. */
  refused: number
  /** Came after `close()`. */
  tooLate: number
}

/** Real-time events: each becomes a line of the outbox, at the end of the turn of the event loop. */
export interface Tracking {
  /** Never throws. */
  track(eventName: unknown, identity: IdentityInput, properties: unknown): void
  /** Puts what is held. @throws {UsageError} when the store fails; the events stay and are offered again */
  put(): Promise<void>
  /** No more putting of its own accord. */
  stop(): void
  stats(): TrackStats
}

export interface TrackingSettings {
  store: Store
  opened(): Promise<void>
  clock: Clock
  diagnostics: Diagnostics
  productKey: string
  today(): UsageDay
  /** Whether a rollup or an instrument of this meter has the name: their events must stay one per entity and day. */
  isTaken(eventName: string): boolean
  isClosed(): boolean
  /** There is something to send. */
  onPut(): void
}

/** So many events are held while the store fails. */
const maxHeld = 10_000
const largestPut = 1_000
const retryMs = 1_000
const maxNameLength = 1_024

export function createTracking(settings: TrackingSettings): Tracking {
  const { store, opened, clock, diagnostics, productKey, today, isTaken, isClosed, onPut } = settings
  const stats = { tracked: 0, put: 0, dropped: 0, refused: 0, tooLate: 0 }
  let held: OutboxLine[] = []
  let putting: Promise<void> | undefined
  let cancelPutting: (() => void) | undefined

  function refuse(message: string, cause?: unknown): void {
    stats.refused += 1
    diagnostics.publish('delivery:refused', { message })
    diagnostics.report({ code: 'PXU_ERR_DELIVERY_TRACK', message, cause })
  }

  function hold(line: OutboxLine): void {
    stats.tracked += 1
    if (held.length >= maxHeld) {
      stats.dropped += 1
      diagnostics.report({
        code: 'PXU_ERR_DELIVERY_TRACK_DROPPED',
        message: `The store has been failing for so long that ${maxHeld} real-time events wait in memory; newer ones are lost until it works again.`,
      })
      return
    }
    held.push(line)
    putSoon()
  }

  function putSoon(): void {
    if (held.length === 0 || isClosed() || cancelPutting !== undefined || putting !== undefined) return
    cancelPutting = atEndOfTurn(putNow)
  }

  function putNow(): void {
    cancelPutting = undefined
    void tracking.put().catch(() => {})
  }

  function failed(cause: unknown): never {
    const error = storeError('The store failed; it is tried again.', cause)
    diagnostics.report(error)
    if (!isClosed()) cancelPutting ??= clock.setTimer(putNow, retryMs)
    throw error
  }

  async function putHeld(): Promise<void> {
    await opened()
    while (held.length > 0) {
      // The same lines again after a failure: the store knows them by their ids.
      const lines = held.slice(0, largestPut)
      await store.put(lines)
      held = held.slice(lines.length)
      stats.put += lines.length
      onPut()
    }
  }

  function makeLine(eventName: unknown, given: unknown, properties: unknown): OutboxLine | undefined {
    if (!isName(eventName)) {
      refuse(
        `track() got the event name ${quoted(eventName)} and sent nothing. Give a text of 1 to ${maxNameLength} characters.`,
      )
      return undefined
    }
    if (isTaken(eventName)) {
      refuse(
        `track() got the event name ${quoted(eventName)}, which a rollup or an instrument of this meter has, and sent nothing. Give it a name of its own.`,
      )
      return undefined
    }
    const identity = usableIdentity(given)
    if (identity === undefined) {
      refuse(
        `track(${quoted(eventName)}) was given ${identityFault(given)} in place of an identity and sent nothing. Give { userId, accountId? } with non-empty strings, finite numbers or bigints.`,
      )
      return undefined
    }
    const usable = properties === undefined || properties === null ? {} : usableProperties(properties)
    return trackedLine(
      { id: randomUUID(), eventName, identity, properties: usable, day: today(), atMs: clock.now() },
      productKey,
    )
  }

  const tracking: Tracking = {
    track(eventName, identity, properties) {
      if (isClosed()) {
        stats.tooLate += 1
        return
      }
      try {
        const line = makeLine(eventName, identity, properties)
        if (line !== undefined) hold(line)
      } catch (error) {
        // A getter of what the app gave threw.
        refuse('track() got a name, an identity or properties that cannot be read, and sent nothing.', error)
      }
    },

    put() {
      if (held.length === 0) return Promise.resolve()
      putting ??= putHeld()
        .catch(failed)
        .finally(() => {
          putting = undefined
          putSoon()
        })
      return putting
    },

    stop() {
      cancelPutting?.()
      cancelPutting = undefined
    },

    stats: () => ({ ...stats, held: held.length }),
  }
  return tracking
}

function isName(eventName: unknown): eventName is string {
  return (
    typeof eventName === 'string' &&
    eventName.trim() !== '' &&
    eventName.length <= maxNameLength &&
    eventName.isWellFormed()
  )
}
