import type { CountedCall } from '../attribution/pending-calls.ts'
import type { Identity } from '../model/identity.ts'

/** Calls that finished in this turn of the event loop and are not counted yet. */
export interface TurnCalls {
  add(identity: Identity, call: CountedCall, times: number): void
  /** Counts them, in their order. */
  count(): void
}

/** When so many calls wait, they are counted before the turn ends. */
const maxWaiting = 1_024

/**
 * Holds calls back so that they are counted together: one by one, a call finds neither the code nor the table in the caches of
 * the processor, because Node and the app ran in between. That made a call of a server three times as slow as one in a loop.
 */
export function createTurnCalls(
  countOne: (identity: Identity, call: CountedCall, times: number) => void,
): TurnCalls {
  const identities = new Array<Identity | undefined>(maxWaiting).fill(undefined)
  const calls = new Array<CountedCall | undefined>(maxWaiting).fill(undefined)
  const times = new Float64Array(maxWaiting)
  let waiting = 0

  function count(): void {
    const end = waiting
    waiting = 0
    for (let at = 0; at < end; at++) {
      countOne(identities[at] as Identity, calls[at] as CountedCall, times[at] as number)
      identities[at] = undefined
      calls[at] = undefined
    }
  }

  return {
    add(identity, call, ofKind) {
      if (waiting === maxWaiting) count()
      identities[waiting] = identity
      calls[waiting] = call
      times[waiting] = ofKind
      waiting += 1
    },
    count,
  }
}
