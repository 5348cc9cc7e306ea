import { describe, expect, it } from 'vitest'
import type { Backfill } from '../../../packages/cli/src/backfill/ledger.ts'
import { interruptedName, type PlanSettings, planDays } from '../../../packages/cli/src/backfill/plan-days.ts'

const day = '2026-11-01'
const mark = { lines: 10, bytes: 900, checksum: 7 }
const settings: PlanSettings = {
  ...{ name: 'new', marks: new Map([[day, mark]]), known: [], openDays: [], revisions: new Map() },
  mayRevise: false,
}

function backfill(given: Partial<Backfill['days'][number]> = {}, more: Partial<Backfill> = {}): Backfill {
  const one = { day, ...mark, revision: 0, calls: 9, events: 4, queued: 4, ...given }
  return { name: 'old', createdAtMs: 0, logs: [], days: [one], ...more }
}

function plan(given: Partial<PlanSettings>) {
  return planDays([day], { ...settings, ...given })[0]
}

describe('a day of a log', () => {
  it('is queued if nothing of it was sent', () => {
    expect(plan({})).toMatchObject({ action: 'queue', revision: 0 })
  })

  it('is refused while the service counts it, and once the service closed it', () => {
    expect(plan({ openDays: [day], mayRevise: true })).toMatchObject({ action: 'refused' })
    const revisions = new Map([[day, 2]])
    expect(plan({ revisions })).toMatchObject({ action: 'refused', reason: 'the service closed it' })
    expect(plan({ revisions, mayRevise: true })).toMatchObject({ action: 'queue', revision: 2 })
  })

  it('of the same log is queued once, also with a revision', () => {
    expect(plan({ known: [backfill()] })).toMatchObject({ action: 'already queued', reason: 'by old' })
    expect(plan({ known: [backfill()], mayRevise: true })).toMatchObject({ action: 'already queued' })
  })

  it('of another log is refused, or becomes a revision', () => {
    const known = [backfill({ checksum: 8 })]
    expect(plan({ known })).toMatchObject({ action: 'refused', reason: 'old has other calls of it' })
    expect(plan({ known, mayRevise: true })).toMatchObject({ action: 'queue', revision: 1 })
  })

  it('continues where the command was interrupted', () => {
    const known = [backfill({ queued: 1 })]
    expect(interruptedName(known, settings.marks)).toBe('old')
    expect(interruptedName([backfill()], settings.marks)).toBeUndefined()
    expect(plan({ known, name: 'old' })).toMatchObject({ action: 'queue', queued: 1 })
  })

  it('is free after a revert, unless events of it were sent', () => {
    expect(plan({ known: [backfill({ withdrawn: 4 }, { revertedAtMs: 1 })] })).toMatchObject({
      action: 'queue',
      revision: 0,
    })
    const sent = [backfill({ withdrawn: 3 }, { revertedAtMs: 1 })]
    expect(plan({ known: sent, mayRevise: true })).toMatchObject({ action: 'refused' })
  })
})
