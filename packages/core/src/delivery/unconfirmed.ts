import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { asSentence } from '../errors.ts'
import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { LookUp, LookUpFailure, LookUpResult } from '../px/look-up-events.ts'
import { traceOf } from '../px/px-event.ts'
import type { Duplicates } from './duplicates.ts'
import { shortened, waitingText } from './waiting-text.ts'

/** Decides when unconfirmed lines are looked up, and what becomes of them. */
export interface Unconfirmed {
  /** Holds a line whose request has just ended without a definite result, until it is looked up. */
  hold(line: ClaimedLine): Settlement
  /** Looks up claimed lines that are unconfirmed. A failure of PX does not reject. */
  lookUp(lines: readonly ClaimedLine[], isStopped: boolean): Promise<LookedUp>
  /**
   * Counts lines as possible duplicates, before they are resent.
   *
   * @returns a function for afterwards, which subtracts the lines that certainly did not arrive
   */
  beforeResend(lines: readonly ClaimedLine[]): Promise<(arrived: (id: string) => boolean) => Promise<void>>
  /** Notes a delivered line. If it was resent because the key lacks the Read permission, px-usage warns. */
  delivered(line: ClaimedLine): void
  /** Notes that PX refuses the key, so that its permission to read is unknown. */
  keyRefused(): void
}

/** What became of unconfirmed lines. */
interface LookedUp {
  settlements: Settlement[]
  /** Lines to resend although PX may have them. */
  sendAnyway: ClaimedLine[]
  failure?: LookUpFailure | undefined
}

/** How long a key without the Read permission is not used for a look-up again: 3600000 ms (1 hour). */
const deniedForMs = 3_600_000
const stoppedForMs = 300_000
const firstLookUpRetryMs = 60_000
const longestLookUpRetryMs = 3_600_000
/** The failed look-ups in a row after which px-usage reports them. */
const reportedAfterFailures = 3
/** A look-up that takes longer does not prove absence, because another process may have claimed and sent the line meanwhile. */
const lookUpHoldsForMs = 240_000

/** Creates the handling of unconfirmed lines for one sender. */
export function createUnconfirmed({
  store,
  duplicates,
  lookUp,
  clock,
  network,
  diagnostics,
  lookUpAfterMs,
}: {
  store: Pick<Store, 'durable' | 'place' | 'outboxCounts'>
  duplicates: Pick<Duplicates, 'add'>
  lookUp?: LookUp | undefined
  clock: Clock
  network: Clock
  diagnostics: Diagnostics
  lookUpAfterMs: number
}): Unconfirmed {
  /** Lines that this process held. When they are claimed again, they have waited long enough. */
  const held = new Set<string>()
  let deniedUntilMs = 0
  let lookUpFailures = 0
  let nextLookUpMs = 0

  function holdFor({ id }: ClaimedLine, waitMs: number): Settlement {
    held.add(id)
    return { id, state: 'unconfirmed', waitMs }
  }

  function hasWaited({ id, attemptedAtMs }: ClaimedLine): boolean {
    return held.has(id) || clock.now() - (attemptedAtMs ?? 0) >= lookUpAfterMs
  }

  /**
   * Holds a line that another process attempted, or this one before a restart, for the rest of `lookUpAfterMs`. An attempt in
   * the future comes from a wrong clock, so the line waits for the whole time.
   */
  function holdForRest(line: ClaimedLine): Settlement {
    const passedMs = clock.now() - (line.attemptedAtMs ?? 0)
    return holdFor(line, lookUpAfterMs - Math.max(passedMs, 0))
  }

  async function lookUpNow(lines: readonly ClaimedLine[]): Promise<LookUpResult> {
    const startMs = network.elapsed()
    const result = await (lookUp as LookUp)(
      lines.map(({ id, body }) => ({ id, trace: traceOf(body) })),
    ).catch(
      (error: unknown): LookUpResult => ({
        found: new Map(),
        absent: new Set(),
        failure: { kind: 'failed', reason: String(error) },
      }),
    )
    if (network.elapsed() - startMs < lookUpHoldsForMs) return result
    return { ...result, absent: new Set() }
  }

  /** Returns how long lines without a result wait, in milliseconds, or `undefined` if they are resent. */
  function waitAfter(failure: LookUpFailure | undefined, isStopped: boolean): number | undefined {
    switch (failure?.kind) {
      case 'denied':
        if (isStopped) return stoppedForMs
        deniedUntilMs = clock.elapsed() + deniedForMs
        return undefined
      case 'failed': {
        lookUpFailures += 1
        const delayMs = Math.min(firstLookUpRetryMs * 2 ** (lookUpFailures - 1), longestLookUpRetryMs)
        nextLookUpMs = clock.elapsed() + delayMs
        if (lookUpFailures === reportedAfterFailures) reportFailed(failure.reason)
        return delayMs
      }
      default:
        return 0
    }
  }

  function reportFailed(reason: string): void {
    const message = `Unconfirmed events cannot be looked up in PX, so they are not resent yet; will retry. ${asSentence(shortened(reason))} ${waitingText(store)}.`
    diagnostics.report({ code: 'PXU_ERR_DELIVERY_LOOKUP_FAILED', message })
  }

  return {
    hold: (line) => holdFor(line, lookUpAfterMs),

    async lookUp(lines, isStopped) {
      const settlements: Settlement[] = []
      const sendAnyway: ClaimedLine[] = []
      const toLookUp: ClaimedLine[] = []
      for (const line of lines) {
        // Setting an attribute again sets the same value, so no look-up is needed.
        if (line.kind !== 'event') sendAnyway.push(line)
        else if (!hasWaited(line)) settlements.push(holdForRest(line))
        else if (lookUp === undefined || clock.elapsed() < deniedUntilMs) sendAnyway.push(line)
        else toLookUp.push(line)
      }
      if (toLookUp.length === 0) return { settlements, sendAnyway }
      const heldForMs = nextLookUpMs - clock.elapsed()
      if (heldForMs > 0) {
        for (const line of toLookUp) settlements.push(holdFor(line, Math.ceil(heldForMs)))
        return { settlements, sendAnyway }
      }
      const { found, absent, failure } = await lookUpNow(toLookUp)
      if (failure?.kind !== 'failed') lookUpFailures = 0
      const waitMs = waitAfter(failure, isStopped)
      for (const line of toLookUp) {
        const { id, day } = line
        if (found.has(id) || absent.has(id)) {
          held.delete(id)
          diagnostics.publish('delivery:looked-up', { id, day, isFound: found.has(id) })
        }
        if (found.has(id)) {
          diagnostics.publish('delivery:delivered', { id, day, attempt: line.attempts, outcome: 'delivered' })
          settlements.push({ id, state: 'delivered' })
        } else if (absent.has(id)) settlements.push({ id, state: 'pending', waitMs: 0 })
        else if (waitMs === undefined) sendAnyway.push(line)
        else settlements.push(holdFor(line, waitMs))
      }
      return { settlements, sendAnyway, failure }
    },

    async beforeResend(lines) {
      const again = lines.filter(({ state, kind }) => state === 'unconfirmed' && kind === 'event')
      if (again.length === 0) return async () => {}
      await duplicates.add(again.length)
      return async (arrived) => {
        const notArrived = again.filter(({ id }) => !arrived(id)).length
        if (notArrived > 0) await duplicates.add(-notArrived)
      }
    },

    delivered({ id, state }) {
      held.delete(id)
      if (state !== 'unconfirmed' || clock.elapsed() >= deniedUntilMs) return
      const text =
        'The PX key lacks the Read permission, so unconfirmed events are resent without a look-up and some may be in PX twice (stats().delivery.possibleDuplicates). Give the key the Read permission.'
      diagnostics.warn('PXU_WRN_DELIVERY_NO_READ', text)
    },

    keyRefused() {
      deniedUntilMs = 0
    },
  }
}
