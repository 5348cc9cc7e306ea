import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { asSentence } from '../errors.ts'
import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import type { LookUp, LookUpAnswer, LookUpFailure } from '../px/look-up-events.ts'
import { traceOf } from '../px/px-event.ts'
import type { Duplicates } from './duplicates.ts'
import { shortened, waitingText } from './waiting-text.ts'

/** Lines that PX may or may not have: when they are looked up, and what follows. */
export interface Unconfirmed {
  /** A line whose request has just ended without a certain answer. */
  park(line: ClaimedLine): Settlement
  /** What becomes of lines claimed as unknown. Never rejects because of PX. */
  resolve(lines: readonly ClaimedLine[], isStopped: boolean): Promise<Resolution>
  /** Notes, before they are sent, how many lines PX may have already. @returns takes back those that certainly did not arrive */
  beforeResend(lines: readonly ClaimedLine[]): Promise<(arrived: (id: string) => boolean) => Promise<void>>
  /** A line that was sent without knowing has arrived: the key may write, so if it may not read the app is told. */
  arrived(line: ClaimedLine): void
  /** The key may do nothing, so nothing is known of its permission to read. */
  keyRefused(): void
}

interface Resolution {
  settlements: Settlement[]
  /** To be sent again without knowing. */
  sendAnyway: ClaimedLine[]
  failure?: LookUpFailure | undefined
}

/** How long a key that may not read is believed to stay so. */
const deniedForMs = 3_600_000
const stoppedForMs = 300_000
const firstLookUpRetryMs = 60_000
const longestLookUpRetryMs = 3_600_000
/** After so many failed look-ups in a row the app is told. */
const toldAfterFailures = 3
/** A look-up that took longer proves no absence: another process may have claimed and sent the line by then. */
const lookUpHoldsForMs = 240_000

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
  /** Lines that were parked here, and so have waited when they are claimed again. */
  const parked = new Set<string>()
  let deniedUntilMs = 0
  let lookUpFailures = 0
  let nextLookUpMs = 0

  function parkFor({ id }: ClaimedLine, waitMs: number): Settlement {
    parked.add(id)
    return { id, state: 'unconfirmed', waitMs }
  }

  function hasWaited({ id, attemptedAtMs }: ClaimedLine): boolean {
    return parked.has(id) || clock.now() - (attemptedAtMs ?? 0) >= lookUpAfterMs
  }

  /** What another process began, or this one before a restart. An attempt noted in the future was noted by a clock that was wrong. */
  function toFinish(line: ClaimedLine): Settlement {
    const passedMs = clock.now() - (line.attemptedAtMs ?? 0)
    return parkFor(line, lookUpAfterMs - Math.max(passedMs, 0))
  }

  async function ask(lines: readonly ClaimedLine[]): Promise<LookUpAnswer> {
    const startMs = network.elapsed()
    const answer = await (lookUp as LookUp)(
      lines.map(({ id, body }) => ({ id, trace: traceOf(body) })),
    ).catch(
      (error: unknown): LookUpAnswer => ({
        found: new Map(),
        absent: new Set(),
        failure: { kind: 'failed', reason: String(error) },
      }),
    )
    if (network.elapsed() - startMs < lookUpHoldsForMs) return answer
    return { ...answer, absent: new Set() }
  }

  /** How long the lines wait that nothing was found out about; `undefined`: they are sent again. */
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
        if (lookUpFailures === toldAfterFailures) tellFailed(failure.reason)
        return delayMs
      }
      default:
        return 0
    }
  }

  function tellFailed(reason: string): void {
    const message = `Events of uncertain fate cannot be looked up in PX, so they are not sent again; px-usage looks them up later. ${asSentence(shortened(reason))} ${waitingText(store)}.`
    diagnostics.report({ code: 'PXU_ERR_DELIVERY_LOOKUP_FAILED', message })
  }

  return {
    park: (line) => parkFor(line, lookUpAfterMs),

    async resolve(lines, isStopped) {
      const settlements: Settlement[] = []
      const sendAnyway: ClaimedLine[] = []
      const toAsk: ClaimedLine[] = []
      for (const line of lines) {
        // An attribute that is set twice has the same value as one that is set once.
        if (line.kind !== 'event') sendAnyway.push(line)
        else if (!hasWaited(line)) settlements.push(toFinish(line))
        else if (lookUp === undefined || clock.elapsed() < deniedUntilMs) sendAnyway.push(line)
        else toAsk.push(line)
      }
      if (toAsk.length === 0) return { settlements, sendAnyway }
      const heldForMs = nextLookUpMs - clock.elapsed()
      if (heldForMs > 0) {
        for (const line of toAsk) settlements.push(parkFor(line, Math.ceil(heldForMs)))
        return { settlements, sendAnyway }
      }
      const { found, absent, failure } = await ask(toAsk)
      if (failure?.kind !== 'failed') lookUpFailures = 0
      const waitMs = waitAfter(failure, isStopped)
      for (const line of toAsk) {
        const { id, day } = line
        if (found.has(id) || absent.has(id)) {
          parked.delete(id)
          diagnostics.publish('delivery:looked-up', { id, day, isFound: found.has(id) })
        }
        if (found.has(id)) {
          diagnostics.publish('delivery:delivered', { id, day, attempt: line.attempts, outcome: 'delivered' })
          settlements.push({ id, state: 'delivered' })
        } else if (absent.has(id)) settlements.push({ id, state: 'pending', waitMs: 0 })
        else if (waitMs === undefined) sendAnyway.push(line)
        else settlements.push(parkFor(line, waitMs))
      }
      return { settlements, sendAnyway, failure }
    },

    async beforeResend(lines) {
      const again = lines.filter(({ state, kind }) => state === 'unconfirmed' && kind === 'event')
      if (again.length === 0) return async () => {}
      await duplicates.add(again.length)
      return async (arrived) => {
        const spared = again.filter(({ id }) => !arrived(id)).length
        if (spared > 0) await duplicates.add(-spared)
      }
    },

    arrived({ id, state }) {
      parked.delete(id)
      if (state !== 'unconfirmed' || clock.elapsed() >= deniedUntilMs) return
      const text =
        'The PX key may not read, so events whose delivery is uncertain are sent again without a look: some may be in PX twice (stats().delivery.possibleDuplicates). Give the key Read permission.'
      diagnostics.warn('PXU_WRN_DELIVERY_NO_READ', text)
    },

    keyRefused() {
      deniedUntilMs = 0
    },
  }
}
