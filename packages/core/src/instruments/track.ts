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
import { isEventName, maxTextLength } from '../px-limits.ts'

/** The numbers of real-time events, by result. */
export interface TrackStats {
  /** Events that were accepted. At any moment `tracked = held + put + dropped`. */
  tracked: number
  /** Events that are not in the store yet. */
  held: number
  /** Events that were put into the outbox. `lines` of `stats()` says what became of them. */
  put: number
  /** Events that are lost, because the store failed until too many were held. */
  dropped: number
  /** Events that were not created, because their name or identity is invalid. */
  refused: number
  /** Events that came after `close()`. */
  tooLate: number
}

/** Puts real-time events into the outbox, at the end of each turn of the event loop. */
export interface Tracking {
  /** Accepts an event. Never throws. */
  track(eventName: unknown, identity: IdentityInput, properties: unknown): void
  /** Puts the held events into the outbox. @throws {UsageError} if the store fails; the events are held and offered again */
  put(): Promise<void>
  /** Cancels scheduled puts. */
  stop(): void
  stats(): TrackStats
}

/** The settings of `createTracking()`. */
export interface TrackingSettings {
  store: Store
  opened(): Promise<void>
  clock: Clock
  diagnostics: Diagnostics
  productKey: string
  today(): UsageDay
  /** Returns whether a rollup or an instrument of this meter has the name. Its events must stay one per identity and day. */
  isTaken(eventName: string): boolean
  isClosed(): boolean
  /** Called after events were put into the outbox. */
  onPut(): void
}

/** The most events that are held while the store fails. */
const maxHeld = 10_000
const largestPut = 1_000
const retryMs = 1_000

/** Creates the tracking of a meter. */
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
        message: `The store has failed until ${maxHeld} real-time events wait in memory, so newer ones are lost. Make the store work again.`,
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
    const error = storeError('The store failed; px-usage will retry.', cause)
    diagnostics.report(error)
    if (!isClosed()) cancelPutting ??= clock.setTimer(putNow, retryMs)
    throw error
  }

  async function putHeld(): Promise<void> {
    await opened()
    while (held.length > 0) {
      // After a failure the same lines are put again. The store recognizes their ids, so none is sent twice.
      const lines = held.slice(0, largestPut)
      await store.put(lines)
      held = held.slice(lines.length)
      stats.put += lines.length
      onPut()
    }
  }

  function makeLine(eventName: unknown, given: unknown, properties: unknown): OutboxLine | undefined {
    if (!isEventName(eventName)) {
      refuse(
        `track() got the event name ${quoted(eventName)}, so no event was sent. Give a text of 1 to ${maxTextLength} characters.`,
      )
      return undefined
    }
    if (isTaken(eventName)) {
      refuse(
        `track() got the event name ${quoted(eventName)}, which a rollup or an instrument of this meter has, so no event was sent. Give the event another name.`,
      )
      return undefined
    }
    const identity = usableIdentity(given)
    if (identity === undefined) {
      refuse(
        `track(${quoted(eventName)}) was given ${identityFault(given)} instead of an identity, so no event was sent. Give { userId, accountId? } with non-empty strings, finite numbers or bigints.`,
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
        // A getter of the app's own objects threw.
        const text =
          'track() got a name, an identity or properties that cannot be read, so no event was sent. Give plain objects.'
        refuse(text, error)
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
