import { randomUUID } from 'node:crypto'
import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { createDelivery } from '../../packages/core/src/delivery/send-outbox.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import type { SendCommand } from '../../packages/redis/src/options.ts'
import { batches, callsOf, day, oneLinePerUserOnce } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

const minuteMs = 60_000

describe.skipIf(!hasRedis())('a fleet on Redis', () => {
  const redis = redisOfTests()
  let clock = fakeClock('2026-11-24T01:00:00Z')
  beforeEach(() => {
    clock = fakeClock('2026-11-24T01:00:00Z')
  })

  const open = async (sendCommand: SendCommand = redis.sendCommand, prefix = redis.prefix) =>
    (await openFleetStore({ prefix, sendCommand }, { clock })).store

  /** A process that is killed before its next command from the `steps`-th on: Redis receives nothing more of it. */
  function killedAfter(steps: number): { sendCommand: SendCommand; isDead(): boolean } {
    let left = steps
    return {
      isDead: () => left < 0,
      sendCommand: async (args, key) => {
        left -= 1
        if (left < 0) throw new Error('killed')
        return redis.sendCommand(args, key)
      },
    }
  }

  it('loses no line and sends none twice, whichever command a dying sender sent last', async () => {
    let died = 0
    for (let steps = 0; ; steps++) {
      const prefix = `test:${randomUUID()}`
      const counter = await open(redis.sendCommand, prefix)
      await counter.add(batches()({ ada: 1, bob: 2, eve: 3 }))
      await counter.close()
      const sent: string[] = []
      const process = killedAfter(steps)
      const first = await open(process.sendCommand, prefix).catch(() => undefined)
      if (first !== undefined) await work(first, sent).catch(() => {})
      const isDead = process.isDead()
      if (isDead) died += 1
      // Longer than the lease, a claim and the wait for a process that no longer shows that it lives.
      await clock.advance(6 * minuteMs)
      const next = await open(redis.sendCommand, prefix)
      const mayBeSent = new Set(sent)
      // Once all are delivered, no line is left that could be sent twice.
      for (let round = 0; round < 12 && next.outboxCounts().delivered < 3; round++) {
        await work(next, sent, mayBeSent).catch(() => {})
        await clock.advance(minuteMs)
      }
      const ids = ['ada', 'bob', 'eve'].map((user) => `${day}.0.${user}`)
      expect([...sent].sort(), `killed after ${steps} commands`).toEqual(ids)
      expect(next.outboxCounts(), `killed after ${steps} commands`).toMatchObject({
        ...{ closed: 3, delivered: 3, pending: 0, unconfirmed: 0, rejected: 0 },
      })
      await next.close()
      if (!isDead) break
    }
    expect(died).toBeGreaterThan(12)
  })

  /** Closes what is open, and sends each line as the sender of a meter does: a line that may be in PX is looked up first. */
  async function work(store: Store, sent: string[], inPx: ReadonlySet<string> = new Set()): Promise<void> {
    await store.isSender()
    for (const one of await store.openDays()) await store.closeDay(one, oneLinePerUserOnce(one))
    const { lines } = await store.claim(10)
    for (const { id, state } of lines) {
      if (state === 'unconfirmed' && inPx.has(id)) {
        await store.settle([{ id, state: 'delivered' }])
        continue
      }
      await store.markAttempts([id], clock.now())
      sent.push(id)
      await store.settle([{ id, state: 'delivered' }])
    }
  }

  it('refuses the attempt of a sender that was frozen past its lease and its claim', async () => {
    const frozen = await open()
    await frozen.add(batches()({ ada: 1 }))
    await frozen.closeDay(day, oneLinePerUserOnce(), { force: true })
    const [line] = (await frozen.claim(10)).lines
    await clock.advance(6 * minuteMs)
    const next = await open()
    const { lines } = await next.claim(10)
    expect(lines).toMatchObject([{ id: line?.id, state: 'pending' }])
    await expect(frozen.markAttempts([line?.id ?? ''], clock.now())).rejects.toThrow(/has not claimed/)
    await next.markAttempts([line?.id ?? ''], clock.now())
    await next.settle([{ id: line?.id ?? '', state: 'delivered' }])
    expect(next.outboxCounts()).toMatchObject({ closed: 1, delivered: 1, unconfirmed: 0 })
    await next.close()
    await frozen.close()
  })

  /** What a sender sends and looks up; `sent` is what PX has. */
  function senderOf(store: Store, sent: string[], onSend = async () => {}) {
    return createDelivery({
      ...{ store, clock, network: clock, startJitterMs: 0, lookUpAfterMs: minuteMs },
      ...{ diagnostics: createDiagnostics(), acquire: async () => 'granted', untilNextBudgetMs: () => 0 },
      async send({ id }) {
        sent.push(id)
        await onSend()
        return { outcome: 'delivered' }
      },
      async lookUp(lines) {
        const ids = lines.map(({ id }) => id)
        const found = ids.filter((id) => sent.includes(id))
        return {
          found: new Map(found.map((id) => [id, new Set([id])])),
          absent: new Set(ids.filter((id) => !sent.includes(id))),
        }
      },
    })
  }

  it.each(['before its request', 'during its request'])(
    'sends no line twice when a sender was stopped %s, past its claim',
    async (moment) => {
      let isStopped = false
      let goOn = () => {}
      const stopped = new Promise<void>((resolve) => {
        goOn = resolve
      })
      const sent: string[] = []
      const frozen = await open(async (args, key) => {
        if (isStopped) await stopped
        return redis.sendCommand(args, key)
      })
      await frozen.add(batches()({ ada: 1 }))
      await frozen.closeDay(day, oneLinePerUserOnce(), { force: true })

      /** The process is stopped. Meanwhile another one takes the lease, and the line. */
      async function stop(): Promise<void> {
        isStopped = true
        await clock.advance(6 * minuteMs)
        const next = await open()
        await senderOf(next, sent).run()
        expect(next.outboxCounts()).toMatchObject({ delivered: 1, pending: 0, unconfirmed: 0 })
        await next.close()
        isStopped = false
        goOn()
      }

      const isBefore = moment === 'before its request'
      const stopping: Store = {
        ...frozen,
        async markAttempts(ids, atMs) {
          await frozen.markAttempts(ids, atMs)
          if (isBefore) await stop()
        },
      }
      await senderOf(stopping, sent, isBefore ? undefined : stop).run()
      expect(sent).toEqual([`${day}.0.ada`])
      await clock.advance(minuteMs)
      await senderOf(frozen, sent).run()
      expect(sent).toEqual([`${day}.0.ada`])
      expect(frozen.outboxCounts()).toMatchObject({ closed: 1, delivered: 1 })
      await frozen.close()
    },
  )

  it('keeps counts that arrive while their day closes in that close or in the next revision', async () => {
    const [sender, counter] = [await open(), await open()]
    const batch = batches()
    let isClosing = true
    const adding = (async () => {
      let added = 0
      for (; isClosing; added++) await counter.add(batch({ [`user ${added % 3}`]: 1 }))
      return added
    })()
    let inLines = 0
    let revisions = 0
    for (let close = 0; close < 10; close++) {
      const result = await sender.closeDay(day, oneLinePerUserOnce(), { force: true })
      if (result.outcome !== 'closed') continue
      inLines += result.calls
      revisions += 1
    }
    isClosing = false
    const added = await adding
    const rest = Object.values(await callsOf(sender)).reduce((sum, calls) => sum + calls, 0)
    expect(inLines + rest).toBe(added)
    expect(revisions).toBeGreaterThan(3)
    await counter.close()
    await sender.close()
  })
})
