import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'

/** From this many refusals in a row on, PX is taken to refuse everything, whatever the line. */
const maxInARow = 20
/** The delay of lines that were refused together with all others: 3600000 ms (1 hour). Other lines are tried first. */
const refusedTogetherAfterMs = 3_600_000
const maxRefusedTogether = 10_000

/** A refused line, and the reason that PX gave. */
interface Refused {
  line: ClaimedLine
  reason: string
}

/**
 * Decides whether PX refuses one line, or every line (because of a changed schema or a wrong product key). A refusal is confirmed once
 * PX has taken a later line, or if no other line can be sent. Until then it is withheld, and its line stays claimed.
 */
export interface Refusals {
  /** Notes that PX refused a line. */
  refused(line: ClaimedLine, reason: string): void
  /** Notes that PX took a line. */
  accepted(): void
  /** Returns whether PX seems to refuse every line. */
  isEverything(): boolean
  /** Returns the refusals that are confirmed by now, each once. @param isLast whether no other line can be sent */
  confirmed(isLast: boolean): Refused[]
  /** Releases the lines whose refusals are not confirmed, to be sent again. */
  released(): Settlement[]
}

/** Creates the decision for one sender. */
export function createRefusals(): Refusals {
  let inARow = 0
  let taken = 0
  const withheld: Refused[] = []
  const confirmed: Refused[] = []
  /** By id of a line that was refused together with all others: how many lines PX had taken until then. */
  const refusedTogether = new Map<string, number>()

  return {
    refused(line, reason) {
      const takenBefore = refusedTogether.get(line.id)
      if (takenBefore !== undefined && takenBefore < taken) {
        refusedTogether.delete(line.id)
        confirmed.push({ line, reason })
        return
      }
      inARow += 1
      withheld.push({ line, reason })
    },

    accepted() {
      inARow = 0
      taken += 1
      confirmed.push(...withheld.splice(0))
    },

    isEverything: () => inARow >= maxInARow,

    confirmed(isLast) {
      if (isLast && inARow < maxInARow) confirmed.push(...withheld.splice(0))
      return confirmed.splice(0)
    },

    released() {
      const isEverything = inARow >= maxInARow
      return withheld.splice(0).map(({ line: { id, state } }) => {
        if (isEverything && refusedTogether.size < maxRefusedTogether) refusedTogether.set(id, taken)
        return { id, state, waitMs: isEverything ? refusedTogetherAfterMs : 0 }
      })
    },
  }
}
