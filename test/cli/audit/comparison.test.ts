import { describe, expect, it } from 'vitest'
import { Comparison, type EventFault, type SentLine } from '../../../packages/cli/src/audit/comparison.ts'

const line = (id: string, more: object = {}, state: SentLine['state'] = 'delivered'): SentLine => ({
  id,
  state,
  event: {
    eventName: 'dailyApiCalls',
    identifyId: `user-${id}`,
    propertyKey: 'AP-A-2',
    attributes: { apiCalls: 2, day: '2026-11-23', rollupId: id, ...more },
  },
})

function compare(lines: readonly SentLine[], events: readonly object[], hasRecord = true) {
  const faults: EventFault[] = []
  const onFault = (fault: EventFault) => void faults.push(fault)
  const comparison = new Comparison({ hasRecord, productKey: 'AP-A-2', dayOf: () => '', onFault })
  for (const one of lines) comparison.expect(one)
  for (const event of events) comparison.see(event)
  for (const one of lines) comparison.finish(one)
  return {
    faults: faults.map(({ kind, userId }) => `${kind} ${userId}`),
    totals: comparison.totals,
    averages: [...comparison.untrueAverages()],
  }
}

describe('a comparison', () => {
  it('finds nothing where PX has what was sent, and adds it up', () => {
    const lines = [line('a'), line('b')]
    const { faults, totals, averages } = compare(
      lines,
      lines.map(({ event }) => event),
    )
    expect([faults, averages]).toEqual([[], []])
    expect(totals).toMatchObject([{ sent: 2, inPx: 2, sentSums: { apiCalls: 4 }, pxSums: { apiCalls: 4 } }])
  })

  it('expects only delivered lines in PX, and no fault if PX has others', () => {
    const lines = [line('a', {}, 'pending'), line('b', {}, 'unconfirmed'), line('c', {}, 'rejected')]
    expect(compare(lines, [(lines[1] as SentLine).event]).faults).toEqual([])
  })

  it('counts a line once that the record has twice, also in two states', () => {
    const lines = [line('a', {}, 'pending'), line('a'), line('a')]
    expect(compare(lines, []).faults).toEqual(['missing user-a'])
    expect(compare(lines, []).totals[0]?.sent).toBe(1)
  })

  it('finds each further copy, and reports one that is changed as doubled only', () => {
    const a = line('a')
    const events = [a.event, a.event, line('a', { apiCalls: 9 }).event]
    expect(compare([a], events).faults).toEqual(['doubled user-a', 'doubled user-a'])
  })

  it('leaves out events of other products, whoever sends them', () => {
    const other = { ...line('z').event, propertyKey: 'AP-B-2' }
    expect(compare([line('a')], [line('a').event, other]).faults).toEqual([])
  })

  it('names where a foreign event comes from', () => {
    const { rollupId, ...attributes } = (line('y').event as { attributes: Record<string, unknown> })
      .attributes
    const faults: EventFault[] = []
    const comparison = new Comparison({
      hasRecord: true,
      productKey: undefined,
      dayOf: () => '',
      onFault: (fault) => void faults.push(fault),
    })
    comparison.see(line('x').event)
    comparison.see({ ...line('y').event, attributes })
    expect(faults.map(({ detail }) => detail)).toEqual([
      'from another store of px-usage',
      'not from px-usage',
    ])
  })

  it('lists a day as untrue only if a user has a revision and another event', () => {
    const user = { identifyId: 'ann' }
    const first = { ...line('a'), event: { ...line('a').event, ...user } }
    const late = { ...line('b', { revision: 1 }), event: { ...line('b', { revision: 1 }).event, ...user } }
    const alone = line('c', { revision: 1 })
    const lines = [first, late, alone]
    // PX may list the revision before the event that it follows.
    const { faults, averages } = compare(lines, [late.event, alone.event, first.event])
    expect(faults).toEqual([])
    expect(averages).toEqual([
      { eventName: 'dailyApiCalls', day: '2026-11-23', userId: 'ann', accountId: '' },
    ])
  })

  it('without a record finds only repeats and what px-usage did not send', () => {
    const { event } = line('a')
    const foreign = { ...event, attributes: { apiCalls: 1, day: '2026-11-23' } }
    expect(compare([], [event, event, foreign], false).faults).toEqual(['doubled user-a', 'foreign user-a'])
  })
})
