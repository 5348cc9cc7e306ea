import type { CountedCall } from '../model/counted-call.ts'
import type { Identity } from '../model/identity.ts'

/** Collects the calls that finished in this turn of the event loop, to count them together. */
export interface TurnCalls {
  add(identity: Identity, call: CountedCall, times: number): void
  /** Counts the collected calls in their order. */
  count(): void
}

/** When this many calls wait, they are counted before the turn ends. */
const maxWaiting = 1_024

/**
 * Creates the collector. Between single calls Node and the app run and displace the code and the table from the caches of the
 * processor. Counted one by one, a call of a server took three times as long as a call in a loop.
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
