import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it, vi } from 'vitest'
import type { Diagnostics } from '../../../packages/core/src/diagnostics.ts'
import { createLeftoverMeters } from '../../../packages/core/src/meter/leftover-meters.ts'
import type { Meter } from '../../../packages/core/src/meter/meter.ts'
import type { LeftoverDays, Store } from '../../../packages/core/src/model/store.ts'

const hourMs = 3_600_000

function setUp(...names: string[]) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const events: string[] = []
  const state = { names, isFailing: false, isSender: true, isFlushFailing: false }
  const diagnostics: Diagnostics = {
    publish: (happening) => void events.push(happening),
    warn: (code, message, kind) => void events.push(`${code} ${kind} ${message.includes(String(kind))}`),
    report() {},
  }
  const leftover = (name: string) =>
    ({ name, timeZone: 'UTC', store: { isSender: async () => state.isSender } }) as unknown as LeftoverDays
  const store = {
    async leftovers() {
      if (state.isFailing) throw new Error('disk full')
      return state.names.map(leftover)
    },
  } as unknown as Store
  const made: string[] = []
  const closes: unknown[] = []
  const flush = vi.fn(async () => {
    if (state.isFlushFailing) throw new Error('disk full')
  })
  const makeMeter = ({ name }: LeftoverDays) => {
    made.push(name)
    return {
      flush,
      close: async (options: unknown) => void closes.push([name, options]),
    } as unknown as Meter
  }
  const leftovers = createLeftoverMeters({ store, clock, diagnostics, makeMeter })
  return { clock, state, events, made, closes, flush, leftovers }
}

describe('look()', () => {
  it('makes a meter for each namespace, which sends at once, with a warning', async () => {
    const { leftovers, made, flush, events } = setUp('Tokyo', 'Berlin')
    await leftovers.look()
    expect(made).toEqual(['Tokyo', 'Berlin'])
    expect(flush).toHaveBeenCalledTimes(2)
    expect(events).toEqual(['PXU_WRN_STORE_LEFTOVER Tokyo true', 'PXU_WRN_STORE_LEFTOVER Berlin true'])
  })

  it('keeps a meter until nothing is left of its namespace, and then closes it', async () => {
    const { leftovers, made, closes, state } = setUp('Tokyo')
    await leftovers.look()
    await leftovers.look()
    expect([made, closes]).toEqual([['Tokyo'], []])
    state.names = []
    await leftovers.look()
    expect(closes).toEqual([['Tokyo', undefined]])
  })

  it('looks again every hour, also after a failure, which the store shows', async () => {
    const { leftovers, clock, state, made, events } = setUp('Tokyo')
    state.isFailing = true
    await leftovers.look()
    expect([made, events]).toEqual([[], ['store:degraded']])
    state.isFailing = false
    await clock.advance(hourMs - 1)
    expect(made).toEqual([])
    await clock.advance(1)
    expect(made).toEqual(['Tokyo'])
    state.names = ['Tokyo', 'Berlin']
    await clock.advance(hourMs)
    expect(made).toEqual(['Tokyo', 'Berlin'])
  })

  it('leaves a namespace to the process that still sends its lines, and tries again', async () => {
    const { leftovers, clock, state, made, closes, events } = setUp('Tokyo')
    state.isSender = false
    await leftovers.look()
    expect([closes, events]).toEqual([[['Tokyo', undefined]], []])
    state.isSender = true
    await clock.advance(hourMs)
    expect(made).toEqual(['Tokyo', 'Tokyo'])
    expect(events).toHaveLength(1)
  })

  it('closes a meter that cannot store or send, and tries again', async () => {
    const { leftovers, clock, state, made, closes, events } = setUp('Tokyo')
    state.isFlushFailing = true
    await leftovers.look()
    expect([closes, events]).toEqual([[['Tokyo', undefined]], ['store:degraded']])
    state.isFlushFailing = false
    await clock.advance(hourMs)
    expect(made).toEqual(['Tokyo', 'Tokyo'])
  })

  it('shares a search that is running', async () => {
    const { leftovers, made } = setUp('Tokyo')
    await Promise.all([leftovers.look(), leftovers.look()])
    expect(made).toEqual(['Tokyo'])
  })

  it('sets no timer for a store without namespaces', async () => {
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const setTimer = vi.spyOn(clock, 'setTimer')
    const store = {} as Store
    const diagnostics = {} as Diagnostics
    const makeMeter = () => ({}) as Meter
    await createLeftoverMeters({ store, clock, diagnostics, makeMeter }).look()
    expect(setTimer).not.toHaveBeenCalled()
  })
})

it('flush() flushes every meter', async () => {
  const { leftovers, flush } = setUp('Tokyo', 'Berlin')
  await leftovers.look()
  await leftovers.flush()
  expect(flush).toHaveBeenCalledTimes(4)
})

it('close() closes every meter with its timeout, and looks no more', async () => {
  const { leftovers, clock, closes, state, made } = setUp('Tokyo', 'Berlin')
  await leftovers.look()
  await leftovers.close(2_000)
  expect(closes).toEqual([
    ['Tokyo', { timeoutMs: 2_000 }],
    ['Berlin', { timeoutMs: 2_000 }],
  ])
  state.names = ['Tokyo', 'Berlin', 'Paris']
  await clock.advance(hourMs)
  expect(made).toHaveLength(2)
})

it('a search that runs during close() adopts nothing more', async () => {
  const { leftovers, made } = setUp('Tokyo')
  const looking = leftovers.look()
  await leftovers.close(2_000)
  await looking
  expect(made).toEqual([])
})
