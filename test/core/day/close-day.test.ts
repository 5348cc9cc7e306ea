import { memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type Addition,
  type ClosingSettings,
  closeDay,
  previewDay,
} from '../../../packages/core/src/day/close-day.ts'
import type { DayUsage } from '../../../packages/core/src/day/rollup.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import { batches, day, line } from '../../support/count-batch.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

let store: Store
let diagnostics: ReturnType<typeof recordingDiagnostics>
let batchOf = batches()
const count = (calls: Record<string, number>) => void store.add(batchOf(calls))

beforeEach(async () => {
  store = memoryStore()
  diagnostics = recordingDiagnostics()
  batchOf = batches()
  await store.open({ clock: fakeClock(`${day}T10:00:00Z`), ...diagnostics, timeZone: 'UTC' })
})

function settings(changes: Partial<ClosingSettings> = {}): ClosingSettings {
  return {
    rollups: [
      { eventName: 'byUser', by: 'identity' },
      { eventName: 'byEndpoint', by: 'endpoint' },
    ],
    timeZone: 'UTC',
    namespace: 'AP-1',
    diagnostics: diagnostics.diagnostics,
    toLine: ({ eventName, identity, revision, day, calls, rank }) => ({
      ...line(`${eventName} ${identity.userId} ${revision}`, day, rank),
      calls,
    }),
    ...changes,
  }
}

async function linesOf(): Promise<OutboxLine[]> {
  const lines: OutboxLine[] = []
  for await (const waiting of store.waiting()) lines.push(waiting)
  return lines
}
const ids = async () => (await linesOf()).map(({ id }) => id).sort()

describe('closeDay()', () => {
  it('turns the counts of the day into one line per usage, once', async () => {
    count({ ann: 2, ben: 3 })
    count({ ann: 10 })
    expect(await closeDay(store, day, settings())).toEqual({
      ...{ outcome: 'closed', revision: 0, lines: 4, calls: 15, detail: 'whole' },
    })
    expect(await ids()).toEqual(['byEndpoint ann 0', 'byEndpoint ben 0', 'byUser ann 0', 'byUser ben 0'])
    expect(await closeDay(store, day, settings())).toEqual({ outcome: 'empty' })
    expect(await ids()).toHaveLength(4)
  })

  it('says what became of the lines by endpoint when there are too many', async () => {
    count({ ann: 2, ben: 3 })
    const result = await closeDay(store, day, settings({ maxLines: 3 }))
    expect(result).toMatchObject({ outcome: 'closed', lines: 2, calls: 5, detail: 'left out' })
    expect(await ids()).toEqual(['byUser ann 0', 'byUser ben 0'])
  })

  it('puts additions into the outbox once they have seen every usage', async () => {
    count({ ann: 2, ben: 3 })
    const seen: DayUsage[] = []
    const days: string[] = []
    const addition: Addition = {
      see: (usage) => void seen.push(usage),
      async *lines() {
        yield line(`sum of ${seen.length} usages`)
      },
    }
    const additions = (of: string) => {
      days.push(of)
      return [addition]
    }
    await closeDay(store, day, settings({ additions }))
    expect(days).toEqual([day])
    expect(seen.map(({ eventName, measures }) => [eventName, measures.apiCalls])).toHaveLength(4)
    expect(await ids()).toContain('sum of 4 usages')
  })

  it('adds nothing to the revision of late counts, whose lines have another id', async () => {
    count({ ann: 2 })
    await closeDay(store, day, settings())
    count({ ann: 1 })
    const additions = () => [{ see() {}, lines: () => [line('addition')] }]
    expect(await closeDay(store, day, settings({ additions }))).toMatchObject({ revision: 1, calls: 1 })
    expect(await ids()).toEqual(['byEndpoint ann 0', 'byEndpoint ann 1', 'byUser ann 0', 'byUser ann 1'])
  })

  it('passes on what prevents the close, without a detail', async () => {
    const waiting = { ...store, closeDay: async () => ({ outcome: 'waiting', writers: 2 }) as const }
    expect(await closeDay(waiting, day, settings())).toEqual({ outcome: 'waiting', writers: 2 })
    const failing = { ...store, closeDay: () => Promise.reject(new Error('disk full')) }
    await expect(closeDay(failing, day, settings())).rejects.toThrow('disk full')
  })

  it('warns about a number that is too large to be exact', async () => {
    count({ ann: Number.MAX_SAFE_INTEGER })
    await closeDay(store, day, settings())
    expect(diagnostics.warnings).toContain('PXU_WRN_COUNTING_SATURATED')
  })
})

describe('previewDay()', () => {
  it('yields the usages that a close creates, and changes nothing', async () => {
    count({ ann: 2, ben: 3 })
    const previewed: string[] = []
    const toId = ({ eventName, identity, revision }: DayUsage) =>
      `${eventName} ${identity.userId} ${revision}`
    for await (const usage of previewDay(store, day, settings())) previewed.push(toId(usage))
    expect(store.outboxCounts().closed).toBe(0)
    await closeDay(store, day, settings())
    expect(previewed.sort()).toEqual(await ids())
  })

  it('yields nothing for a day without counts', async () => {
    for await (const usage of previewDay(store, day, settings())) throw new Error(usage.eventName)
  })
})
