import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../../packages/core/src/errors.ts'
import { createStoreOpening } from '../../../packages/core/src/meter/open-store.ts'
import type { Store, StoreContext } from '../../../packages/core/src/model/store.ts'
import { memoryStore } from '../../../packages/core/src/stores/memory-store.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

/** A store whose attempts to open fail as listed, and then succeed. */
function setUp(...failures: unknown[]) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const { diagnostics, errors } = recordingDiagnostics()
  const context: StoreContext = { clock, diagnostics, timeZone: 'UTC' }
  const state = { attempts: 0, opened: 0 }
  const store: Store = {
    ...memoryStore(),
    async open(given) {
      expect(given).toBe(context)
      state.attempts += 1
      if (failures.length > 0) throw failures.shift()
    },
  }
  const opening = createStoreOpening(store, context)
  const start = () =>
    opening.start(async () => {
      state.opened += 1
    })
  return { clock, errors, state, opening, start }
}

const inUse = new UsageError('PXU_ERR_STORE_IN_USE', 'This store belongs to another meter.')
const eacces = Object.assign(new Error('mkdir /data'), { code: 'EACCES' })

describe('a store that opens', () => {
  it('is opened once, and announced once', async () => {
    const { opening, start, state, errors } = setUp()
    start()
    await opening.opened()
    await opening.tryNow()
    opening.stop()
    await opening.opened()
    expect([state, errors]).toEqual([{ attempts: 1, opened: 1 }, []])
  })
})

describe('a store that cannot be opened', () => {
  it('is retried every minute, and each failure is reported with what it means', async () => {
    const { opening, start, state, clock, errors } = setUp(eacces, eacces)
    start()
    await expect(opening.opened()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE', cause: eacces })
    await clock.advance(59_999)
    expect(state.attempts).toBe(1)
    await clock.advance(1)
    expect(state.attempts).toBe(2)
    await clock.advance(60_000)
    await opening.opened()
    expect(state).toEqual({ attempts: 3, opened: 1 })
    expect(errors).toHaveLength(2)
    expect(errors[0]?.message).toContain(
      'The store could not be opened (EACCES). Counts wait in memory; px-usage will retry every minute.',
    )
    await clock.advance(3_600_000)
    expect(state.attempts).toBe(3)
  })

  it('is retried at once when the app flushes, without a second timer', async () => {
    const { opening, start, state, clock } = setUp(eacces, eacces)
    start()
    await expect(opening.opened()).rejects.toThrow()
    await expect(opening.tryNow()).rejects.toThrow()
    expect(state.attempts).toBe(2)
    await clock.advance(60_000)
    expect(state).toEqual({ attempts: 3, opened: 1 })
  })

  it('is not tried twice at the same time', async () => {
    const { opening, start, state } = setUp()
    start()
    await Promise.all([opening.tryNow(), opening.tryNow()])
    expect(state.attempts).toBe(1)
  })

  it('is tried once more when the meter is closed, and never again', async () => {
    const { opening, start, state, clock } = setUp(eacces, eacces, eacces)
    start()
    await expect(opening.opened()).rejects.toThrow()
    opening.stop()
    await expect(opening.opened()).rejects.toThrow()
    expect(state.attempts).toBe(2)
    await clock.advance(600_000)
    await expect(opening.tryNow()).rejects.toThrow()
    expect(state).toEqual({ attempts: 2, opened: 0 })
  })

  it('is not retried if it belongs to another meter, which keeps it', async () => {
    const { opening, start, state, clock, errors } = setUp(inUse)
    start()
    await expect(opening.opened()).rejects.toBe(inUse)
    await clock.advance(600_000)
    await expect(opening.tryNow()).rejects.toBe(inUse)
    expect(state.attempts).toBe(1)
    expect(errors).toHaveLength(1)
    expect(errors[0]?.message).toContain('Nothing that this meter counts can be stored.')
  })
})

it('a failure after the store is open does not make it open again', async () => {
  const { opening, state, errors } = setUp()
  opening.start(async () => {
    throw new Error('the first check failed')
  })
  await opening.opened()
  await opening.tryNow()
  expect([state.attempts, errors]).toEqual([1, []])
})
