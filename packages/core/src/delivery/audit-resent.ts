import type { Clock } from '../clock.ts'
import type { Diagnostics } from '../diagnostics.ts'
import { createNote, type Notes } from '../files/note.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import type { LookUp, LookUpAnswer, LookUpFailure } from '../px/look-up-events.ts'
import { type EventTrace, traceOf } from '../px/px-event.ts'
import type { Duplicates } from './duplicates.ts'

/**
 * Looks once more, hours later, at events that were sent again because PX did not show them: it may have had them all the same
 * and shown them late, and then has them twice.
 */
export interface ResentAudit {
  /** Reads what was noted, perhaps by a process that led before. */
  recall(): Promise<void>
  /** Notes, before they are sent again, lines that PX does not show. */
  resending(lines: readonly ClaimedLine[]): Promise<void>
  /** Notes, before the store does, what became of lines. */
  settling(delivered: readonly string[], rejected: readonly string[]): Promise<void>
  /** Looks at what is due. @returns why that was not possible */
  lookAgain(): Promise<LookUpFailure | undefined>
  nextDueInMs(): number | undefined
  waiting(): number
}

interface Resent {
  trace: EventTrace
  /** By the wall clock, for a process that leads later. `undefined` as long as the line is not delivered. */
  dueAtMs?: number | undefined
  /** The same by the monotonic clock of this process: the wall clock may have been wrong when it was noted, or be wrong now. */
  dueAtElapsedMs?: number | undefined
}

type Noted = Array<[id: string, event: Pick<Resent, 'trace' | 'dueAtMs'>]>

function isNoted(value: unknown): value is Noted {
  return (
    Array.isArray(value) &&
    value.every((entry) => typeof entry?.[0] === 'string' && typeof entry[1]?.trace === 'object')
  )
}

/** So many events are remembered; those beyond count as possible duplicates at once. */
const maxRemembered = 10_000
const retryAfterMs = 3_600_000

export function createResentAudit({
  store,
  lookUp,
  duplicates,
  clock,
  diagnostics,
  auditAfterMs,
}: {
  store: Notes
  lookUp: LookUp | undefined
  duplicates: Duplicates
  clock: Pick<Clock, 'now' | 'elapsed'>
  diagnostics: Diagnostics
  auditAfterMs: number
}): ResentAudit {
  const note = createNote(store, 'delivery audit', isNoted)
  let resent = new Map<string, Resent>()
  let noted = '[]'

  async function keep(): Promise<void> {
    const events: Noted = [...resent].map(([id, { trace, dueAtMs }]) => [id, { trace, dueAtMs }])
    await note.write(events)
    noted = JSON.stringify(events)
  }

  function waitFor(event: Resent, waitMs: number): void {
    event.dueAtMs = clock.now() + waitMs
    event.dueAtElapsedMs = clock.elapsed() + waitMs
  }

  function judge(id: string, copies: number): { possible: number; proven: number } {
    if (copies < 2) return { possible: copies === 0 ? 1 : 0, proven: 0 }
    diagnostics.publish('delivery:duplicate', { id, copies })
    diagnostics.warn(
      'PXU_WRN_DELIVERY_DUPLICATE',
      'PX has events twice: it did not show them within lookUpAfterMs, so they were sent again (stats().delivery.duplicates has their number). Give a longer lookUpAfterMs.',
    )
    return { possible: 0, proven: copies - 1 }
  }

  return {
    async recall() {
      const events = (await note.read()) ?? []
      if (JSON.stringify(events) === noted) return
      resent = new Map(events)
      noted = JSON.stringify(events)
      for (const event of resent.values()) {
        if (event.dueAtMs === undefined) continue
        waitFor(event, Math.min(Math.max(event.dueAtMs - clock.now(), 0), auditAfterMs))
      }
    },

    async resending(lines) {
      if (lines.length === 0) return
      let tooMany = 0
      for (const { id, body } of lines) {
        if (resent.has(id) || resent.size < maxRemembered) resent.set(id, { trace: traceOf(body) })
        else tooMany += 1
      }
      await keep()
      if (tooMany > 0) await duplicates.add({ possible: tooMany })
    },

    async settling(delivered, rejected) {
      if (resent.size === 0) return
      let isChanged = false
      for (const id of delivered) {
        const event = resent.get(id)
        if (event === undefined) continue
        waitFor(event, auditAfterMs)
        isChanged = true
      }
      for (const id of rejected) isChanged = resent.delete(id) || isChanged
      if (isChanged) await keep()
    },

    async lookAgain() {
      const nowMs = clock.elapsed()
      const due = [...resent].filter(
        ([, event]) => (event.dueAtElapsedMs ?? Number.POSITIVE_INFINITY) <= nowMs,
      )
      if (due.length === 0) return undefined
      const sought = due.map(([id, { trace }]) => ({ id, trace }))
      const denied: LookUpAnswer = {
        found: new Map(),
        absent: new Set(),
        failure: { kind: 'denied', reason: 'lookUp: false' },
      }
      const { found, absent, failure } = (await lookUp?.(sought)) ?? denied
      const counts = { possible: 0, proven: 0 }
      for (const [id, event] of due) {
        const isKnown = found.has(id) || absent.has(id)
        if (!isKnown && failure?.kind !== 'denied') {
          waitFor(event, retryAfterMs)
          continue
        }
        const { possible, proven } = judge(id, found.get(id)?.size ?? 0)
        counts.possible += possible
        counts.proven += proven
        resent.delete(id)
      }
      // A crash between the two reports some twice, and none not at all.
      if (counts.possible + counts.proven > 0) await duplicates.add(counts)
      await keep()
      return failure
    },

    nextDueInMs() {
      let first: number | undefined
      for (const { dueAtElapsedMs: dueMs } of resent.values()) {
        if (dueMs !== undefined && (first === undefined || dueMs < first)) first = dueMs
      }
      return first === undefined ? undefined : first - clock.elapsed()
    },

    waiting: () => resent.size,
  }
}
