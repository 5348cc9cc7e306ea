import { memoryStore, type OutboxLine, type UsageError } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import type { SendLine } from '../../../packages/core/src/delivery/send-batch.ts'
import { createDelivery } from '../../../packages/core/src/delivery/send-outbox.ts'
import { withdrawBackfill } from '../../../packages/core/src/delivery/withdrawn.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { DeliveryResult } from '../../../packages/core/src/px/delivery-result.ts'

function line(id: string, day = '2026-11-23', rank: OutboxLine['rank'] = 'total'): OutboxLine {
  return { id, day, kind: 'event', rank, body: JSON.stringify({ id }), calls: 1 }
}

async function setUp(respond: (id: string, attempt: number) => DeliveryResult) {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  const errors: UsageError[] = []
  const diagnostics = createDiagnostics((error) => errors.push(error))
  const store = memoryStore()
  await store.open({ clock, diagnostics, timeZone: 'UTC' })
  const sent: string[] = []
  const attempts = new Map<string, number>()
  const send: SendLine = async ({ id }) => {
    sent.push(id)
    attempts.set(id, (attempts.get(id) ?? 0) + 1)
    return respond(id, attempts.get(id) as number)
  }
  const delivery = createDelivery({
    store,
    send,
    acquire: async () => 'granted',
    untilNextBudgetMs: () => 0,
    clock,
    network: clock,
    diagnostics,
    lookUpAfterMs: 60_000,
    startJitterMs: 0,
  })
  return { clock, errors, store, sent, delivery }
}

const delivered: DeliveryResult = { outcome: 'delivered' }

describe('delivery', () => {
  it('sends the oldest day first, and totals before details', async () => {
    const { store, delivery, sent } = await setUp(() => delivered)
    await store.put([
      line('new detail', '2026-11-23', 'detail'),
      line('new', '2026-11-23'),
      line('old', '2026-11-22'),
    ])
    await delivery.run()
    expect(sent).toEqual(['old', 'new', 'new detail'])
    expect(store.outboxCounts()).toEqual({ closed: 3, delivered: 3, pending: 0, unconfirmed: 0, rejected: 0 })
  })

  it('removes the lines of a withdrawn backfill without a request', async () => {
    const { store, delivery, sent } = await setUp(() => delivered)
    const body = JSON.stringify({ attributes: { backfill: 'logs of May' } })
    await store.put([{ ...line('past', '2026-05-01'), body }, line('live')])
    await withdrawBackfill(store, 'logs of May')
    await delivery.run()
    expect(sent).toEqual(['live'])
    expect(store.outboxCounts()).toEqual({ closed: 1, delivered: 1, pending: 0, unconfirmed: 0, rejected: 0 })
  })

  it('sends each line once, however often it is asked to run', async () => {
    const { store, delivery, sent } = await setUp(() => delivered)
    await store.put(Array.from({ length: 50 }, (_, index) => line(`line ${index}`)))
    await Promise.all([delivery.run(), delivery.run(), delivery.run()])
    expect(new Set(sent).size).toBe(50)
    expect(sent).toHaveLength(50)
  })

  it('sends lines that came while it was finishing', async () => {
    const { store, delivery, sent } = await setUp(() => delivered)
    for (let i = 0; i < 20; i++) {
      const run = delivery.run()
      for (let turn = 0; turn < i; turn++) await Promise.resolve()
      await store.put([line(`line ${i}`)])
      await delivery.run()
      await run
      expect(sent).toContain(`line ${i}`)
    }
  })

  it('keeps a rejected line with the reply, and sends the others', async () => {
    const { store, delivery, errors } = await setUp((id) =>
      id === 'bad' ? { outcome: 'rejected', reason: 'PX returned 400.' } : delivered,
    )
    await store.put([line('bad'), line('good')])
    await delivery.run()
    expect(store.outboxCounts()).toEqual({ closed: 2, delivered: 1, pending: 0, unconfirmed: 0, rejected: 1 })
    for await (const refused of store.rejected()) {
      expect(refused).toMatchObject({ id: 'bad', reason: 'PX returned 400.' })
    }
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_REJECTED'])
  })

  it('comes back by itself for a line that could not be sent', async () => {
    const { store, delivery, clock, sent } = await setUp((_id, attempt) =>
      attempt === 1 ? { outcome: 'retryable', reason: 'down', afterMs: 5_000 } : delivered,
    )
    await store.put([line('a')])
    await delivery.run()
    expect(store.outboxCounts()).toMatchObject({ pending: 1, delivered: 0 })
    await clock.advance(4_999)
    expect(sent).toHaveLength(1)
    await clock.advance(1)
    expect(store.outboxCounts()).toMatchObject({ pending: 0, delivered: 1 })
  })

  it('resends an unconfirmed line after a minute, and counts it as a possible duplicate', async () => {
    const { store, delivery, clock } = await setUp((_id, attempt) =>
      attempt === 1 ? { outcome: 'unconfirmed', reason: 'timeout' } : delivered,
    )
    await store.put([line('a')])
    await delivery.run()
    expect(store.outboxCounts()).toMatchObject({ unconfirmed: 1 })
    await clock.advance(59_000)
    expect(store.outboxCounts()).toMatchObject({ unconfirmed: 1 })
    await clock.advance(60_000)
    expect(store.outboxCounts()).toMatchObject({ unconfirmed: 0, delivered: 1 })
    expect(delivery.state().possibleDuplicates).toBe(1)
  })

  it('stops when PX refuses the key, keeps everything, and resumes when the key works again', async () => {
    let keyWorks = false
    const { store, delivery, clock, sent, errors } = await setUp(() =>
      keyWorks ? delivered : { outcome: 'stopped', reason: 'PX returned 401.' },
    )
    await store.put(Array.from({ length: 30 }, (_, index) => line(`line ${index}`)))
    await delivery.run()
    expect(sent.length).toBeLessThanOrEqual(8)
    expect(delivery.state().stopped).toBe('PX returned 401.')
    expect(store.outboxCounts()).toMatchObject({ pending: 30 })
    await clock.advance(600_000)
    expect(sent.length).toBeLessThanOrEqual(11)
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_DELIVERY_STOPPED'])
    keyWorks = true
    await clock.advance(600_000)
    expect(delivery.state().stopped).toBeUndefined()
    expect(store.outboxCounts()).toMatchObject({ delivered: 30, pending: 0 })
  })

  it('does not storm a PX that is down: the sender pauses, not only each line', async () => {
    let isDown = true
    const { store, delivery, clock, sent } = await setUp(() =>
      isDown ? { outcome: 'retryable', reason: 'PX returned 429.', afterMs: 60_000 } : delivered,
    )
    await store.put(Array.from({ length: 1_000 }, (_, index) => line(`line ${index}`)))
    await delivery.run()
    expect(sent.length).toBeLessThanOrEqual(8)
    await clock.advance(3_600_000)
    expect(sent.length).toBeLessThan(500)
    isDown = false
    await clock.advance(600_000)
    expect(store.outboxCounts()).toMatchObject({ delivered: 1_000, pending: 0 })
  })

  it('a send that rejects leaves no line of its batch unsettled', async () => {
    const { store, delivery } = await setUp((id) => {
      if (id === 'line 3') throw new Error('a bug')
      return delivered
    })
    await store.put(Array.from({ length: 8 }, (_, index) => line(`line ${index}`)))
    await delivery.run()
    expect(store.outboxCounts()).toMatchObject({ delivered: 7, unconfirmed: 1, pending: 0 })
  })

  it('a store that fails during sending is reported, and everything is sent later', async () => {
    const { store, delivery, clock, errors, sent } = await setUp(() => delivered)
    const { settle } = store
    await store.put(Array.from({ length: 20 }, (_, index) => line(`line ${index}`)))
    store.settle = async () => {
      throw new Error('EIO')
    }
    await delivery.run()
    expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_STORE_UNAVAILABLE'])
    store.settle = settle
    await clock.advance(3_600_000)
    expect(store.outboxCounts()).toMatchObject({ delivered: 20, pending: 0, unconfirmed: 0 })
    expect(new Set(sent).size).toBe(20)
    expect(delivery.state().possibleDuplicates).toBe(sent.length - 20)
  })

  it('sends nothing after stop()', async () => {
    const { store, delivery, sent } = await setUp(() => delivered)
    await delivery.stop()
    await store.put([line('a')])
    await delivery.run()
    expect(sent).toEqual([])
  })
})
