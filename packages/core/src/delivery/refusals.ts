import type { ClaimedLine, Settlement } from '../model/outbox-line.ts'

/** So many lines refused in a row, and none taken: it is not the lines. */
const mostInARow = 20
/** When lines that were refused with all the others are tried again: later than others, which may tell more. */
const doubtedAfterMs = 3_600_000
const maxDoubted = 10_000

interface Refused {
  line: ClaimedLine
  reason: string
}

/**
 * Decides whether PX refuses a line, or everything (a schema that changed, a wrong product key). A refusal is believed once PX took
 * another line after it, or when there is no other line to ask with. Until then it is withheld: the line stays claimed.
 */
export interface Refusals {
  refused(line: ClaimedLine, reason: string): void
  /** PX took a line. */
  accepted(): void
  /** PX refuses everything, as far as anybody can know. */
  isEverything(): boolean
  /** What is known by now. @param isLast there is no other line to ask with */
  judged(isLast: boolean): Refused[]
  /** Gives the lines back that nothing is known about. */
  released(): Settlement[]
}

export function createRefusals(): Refusals {
  let inARow = 0
  let taken = 0
  const withheld: Refused[] = []
  const believed: Refused[] = []
  /** Lines refused along with everything, and how many lines PX had taken until then. */
  const doubted = new Map<string, number>()

  return {
    refused(line, reason) {
      const takenBefore = doubted.get(line.id)
      if (takenBefore !== undefined && takenBefore < taken) {
        doubted.delete(line.id)
        believed.push({ line, reason })
        return
      }
      inARow += 1
      withheld.push({ line, reason })
    },

    accepted() {
      inARow = 0
      taken += 1
      believed.push(...withheld.splice(0))
    },

    isEverything: () => inARow >= mostInARow,

    judged(isLast) {
      if (isLast && inARow < mostInARow) believed.push(...withheld.splice(0))
      return believed.splice(0)
    },

    released() {
      const isDoubted = inARow >= mostInARow
      return withheld.splice(0).map(({ line: { id, state } }) => {
        if (isDoubted && doubted.size < maxDoubted) doubted.set(id, taken)
        return { id, state, waitMs: isDoubted ? doubtedAfterMs : 0 }
      })
    },
  }
}
