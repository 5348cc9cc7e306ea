import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { type Closing, closeMeter } from '../../../packages/core/src/meter/close-meter.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

const counts = { closed: 0, delivered: 0, pending: 0, unconfirmed: 0, rejected: 0 }
const never = () => new Promise<never>(() => {})

/** The parts of a meter, each of which notes when it is called. */
function setUp({ durable = true, dryRun = false } = {}) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const { diagnostics, errors } = recordingDiagnostics()
  const steps: string[] = []
  const state = {
    ...{ counts: { ...counts }, unstored: 0, storedOpen: 0, pendingCalls: 0, unstoredLines: 0 },
    ...{ pxReason: undefined as string | undefined, sends: 0 },
  }
  const step =
    (name: string, act: () => unknown = () => {}) =>
    async () => {
      steps.push(name)
      await act()
    }
  const tasks: Record<string, () => unknown> = {}
  const run = (name: string) => step(name, () => tasks[name]?.())
  const note = (name: string) => () => void steps.push(name)
  const parts = {
    clock,
    diagnostics,
    dryRun,
    store: {
      ...{ name: durable ? 'file' : 'memory', durable, close: run('store.close') },
      outboxCounts: () => ({ ...state.counts }),
      async *waiting() {},
    },
    opening: { opened: run('opened'), stop: note('stop opening') },
    dayCycle: {
      ...{ stop: note('stop days'), cancelStoring() {}, idle: run('idle'), persist: run('persist') },
      closeAll: run('close days'),
    },
    tables: {
      storedOpen: () => state.storedOpen,
      unstored: () => state.unstored,
      days: () => ['2026-11-23'],
    },
    attribution: { settled: run('identities'), stats: () => ({ pending: state.pendingCalls }) },
    instruments: { stop: run('instruments'), unstoredLines: () => state.unstoredLines },
    delivery: {
      ...{ run: run('send'), stop: run('stop sending'), abort: run('abort') },
      state: () => ({ stopped: state.pxReason, lastError: undefined }),
    },
    leftovers: { close: run('leftovers') },
    processNote: { end: async () => {} },
    onClosed: note('closed'),
  } as unknown as Closing
  return { clock, errors, steps, state, tasks, close: (timeoutMs = 5_000) => closeMeter(parts, timeoutMs) }
}

describe('a meter with a durable store', () => {
  it('stores what was counted, and closes no day and sends nothing more', async () => {
    const { close, steps, errors } = setUp()
    await close()
    expect(steps).toEqual([
      ...['leftovers', 'stop days', 'stop opening', 'opened', 'identities', 'closed', 'idle', 'opened'],
      ...['persist', 'instruments', 'stop sending', 'abort', 'stop sending', 'store.close'],
    ])
    expect(errors).toEqual([])
  })

  it('keeps what is stored, and loses what is not', async () => {
    const { close, state, errors } = setUp()
    Object.assign(state, { storedOpen: 7, unstored: 2, pendingCalls: 1, unstoredLines: 1 })
    state.counts = { ...counts, pending: 3, unconfirmed: 1 }
    expect(await close()).toEqual({
      sent: { lines: 0 },
      kept: { calls: 7, lines: 4 },
      lost: { calls: 3, lines: 1 },
    })
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_METER_LOST'])
    expect(errors[0]?.message).toContain('px-usage lost 3 calls (1 event) of 2026-11-23')
    expect(errors[0]?.message).toContain('1 call waited for identify()')
  })

  it('reports as the reason why the counts could not be stored', async () => {
    const { close, state, tasks, errors } = setUp()
    state.unstored = 2
    tasks.persist = () => {
      throw new Error('ENOSPC')
    }
    expect(await close()).toMatchObject({ lost: { calls: 2 } })
    expect(errors[0]?.message).toContain('the file store could not be written (ENOSPC)')
  })

  it('counts only lines that were delivered during the close as sent', async () => {
    const { close, state, tasks } = setUp()
    state.counts.delivered = 10
    tasks['stop sending'] = () => {
      state.counts.delivered = 12
    }
    expect(await close()).toMatchObject({ sent: { lines: 2 } })
  })

  it('aborts open requests after 150 ms, however much time is left', async () => {
    const { close, clock, steps, tasks } = setUp()
    tasks['stop sending'] = never
    const closing = close(60_000)
    await clock.advance(149)
    expect(steps).not.toContain('abort')
    await clock.advance(1)
    expect(steps).toContain('abort')
    await clock.advance(100)
    await closing
  })

  it('may lose the calls of open days if its store cannot be closed', async () => {
    const { close, state, tasks, errors } = setUp()
    state.storedOpen = 7
    tasks['store.close'] = () => {
      throw new Error('EIO')
    }
    expect(await close()).toMatchObject({ kept: { calls: 0 }, lost: { calls: 7 } })
    expect(errors[0]?.message).toContain('The 7 calls of open days in it may be lost.')
    expect(errors[0]?.cause).toEqual(new Error('EIO'))
  })
})

describe('a meter with a store that is not durable', () => {
  it('closes every day and sends it, before it stops to send', async () => {
    const { close, steps } = setUp({ durable: false })
    await close()
    expect(steps.slice(-8)).toEqual([
      ...['persist', 'close days', 'instruments', 'send', 'stop sending', 'abort', 'stop sending'],
      'store.close',
    ])
  })

  it('loses what PX did not take in time, with the reason of PX', async () => {
    const { close, state, errors } = setUp({ durable: false })
    state.counts = { ...counts, pending: 3 }
    state.pxReason = 'PX refuses the key.'
    expect(await close()).toEqual({
      sent: { lines: 0 },
      kept: { calls: 0, lines: 0 },
      lost: { calls: 0, lines: 3 },
    })
    expect(errors[0]?.message).toContain('PX refuses the key; the memory store is not durable')
  })

  it('discards its content in a dry run, without a report', async () => {
    const { close, state, errors } = setUp({ durable: false, dryRun: true })
    Object.assign(state, { unstored: 2, counts: { ...counts, pending: 3 } })
    expect(await close()).toEqual({
      ...{ sent: { lines: 0 }, kept: { calls: 0, lines: 0 }, lost: { calls: 0, lines: 0 } },
      discarded: { calls: 2, lines: 3 },
    })
    expect(errors).toEqual([])
  })
})

describe('the timeout', () => {
  it.each(['opened', 'identities', 'idle', 'persist', 'instruments'])(
    'bounds the whole close if "%s" hangs, and the loss names it',
    async (hanging) => {
      const { close, clock, state, tasks, errors } = setUp()
      state.unstored = 1
      tasks[hanging] = never
      let isClosed = false
      const closing = close(2_000).finally(() => {
        isClosed = true
      })
      await clock.advance(1_999)
      expect(isClosed).toBe(false)
      await clock.advance(1)
      await clock.advance(200)
      await closing
      expect(errors[0]?.message).toContain('the 2000 ms of close() (timeoutMs) were not enough')
    },
  )

  it('is shared by all steps', async () => {
    const { close, clock, tasks, steps } = setUp({ durable: false })
    for (const name of ['identities', 'idle', 'send', 'stop sending', 'abort', 'store.close', 'leftovers'])
      tasks[name] = never
    const closing = close(1_000)
    await clock.advance(1_300)
    expect(await closing).toMatchObject({ sent: { lines: 0 } })
    expect(steps).toContain('store.close')
  })
})
