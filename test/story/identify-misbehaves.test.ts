import { createMeter, memoryStore, type UnattributedReason } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { createApp as createExpressApp } from 'example-express-basic/app.ts'
import { createApp as createKoaApp } from 'example-koa-basic/app.ts'
import { describe, expect, it, vi } from 'vitest'
import { type Answer, send, startServer } from '../support/http-client.ts'

/** Everything an app's callback may do wrong, and what stats() calls it. */
const misbehaviours: Array<[string, () => unknown, UnattributedReason]> = [
  [
    'throws',
    () => {
      throw new Error('no session')
    },
    'threw',
  ],
  ['rejects', () => Promise.reject(new Error('database down')), 'rejected'],
  ['hangs', () => new Promise(() => {}), 'timedOut'],
  ['returns a text', () => 'ann', 'invalid'],
  ['returns NaN', () => ({ userId: Number.NaN }), 'invalid'],
  ['returns an object without userId', () => ({ id: 1 }), 'invalid'],
  ['returns an empty id', () => ({ userId: '' }), 'invalid'],
  ['returns nothing', () => undefined, 'anonymous'],
]

const apps = {
  express: { create: (options: object) => createExpressApp(options).app, path: '/v1/orders/1' },
  koa: { create: (options: object) => createKoaApp(options).app.callback(), path: '/v2/invoices/1' },
}

describe.each(Object.entries(apps))('%s', (_name, { create, path }) => {
  async function answerWith(options: object): Promise<Answer> {
    const server = await startServer(create(options))
    try {
      const answer = await send(`${server.url}${path}`)
      return { ...answer, headers: { ...answer.headers, date: undefined } }
    } finally {
      await server.close()
    }
  }

  it.each(misbehaviours)(
    'responds byte for byte the same when identify %s',
    async (_what, identify, reason) => {
      const clock = fakeClock('2026-11-23T10:00:00Z')
      const { delivery } = inMemoryDelivery()
      const meter = createMeter({ store: memoryStore(), clock, delivery })
      const without = await answerWith({ enabled: false })
      expect(await answerWith({ meter, identify })).toEqual(without)

      await vi.waitFor(() => {
        const { pending, unattributed } = meter.stats().calls
        expect(pending + Object.values(unattributed).reduce((sum, count) => sum + count)).toBe(1)
      })
      await clock.advance(1_000)
      const { counted, unattributed } = meter.stats().calls
      expect(counted).toBe(0)
      expect(unattributed[reason]).toBe(1)
      await meter.close()
    },
  )
})
