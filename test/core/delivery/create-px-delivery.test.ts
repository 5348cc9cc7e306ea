import { memoryStore, type OutboxLine, type Store } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventLine, type Sender, startSender, testKey } from '../../support/px-sender.ts'
import { type ScriptedPx, startScriptedPx } from '../../support/scripted-px.ts'

let px: ScriptedPx
let senders: Sender[]
beforeEach(async () => {
  px = await startScriptedPx()
  senders = []
})
afterEach(async () => {
  for (const sender of senders) await sender.close()
  await px.close()
})

async function start(
  ...[options, parts]: [Parameters<typeof startSender>[1]?, Parameters<typeof startSender>[2]?]
) {
  const sender = await startSender(px.url, options, parts)
  senders.push(sender)
  return sender
}

const userLine = (id: string): OutboxLine => ({
  ...{ id, day: '2026-11-23', kind: 'user', rank: 'total', calls: 0 },
  body: JSON.stringify({ identifyId: id, customAttributes: { dailyApiCalls: 3 } }),
})

describe('the delivery to PX', () => {
  it('posts an event with the key, and counts the request', async () => {
    const seen: unknown[] = []
    px.script = (exchange) => {
      const { method, url, req, body } = exchange
      seen.push([method, url.pathname, req.headers['x-aptrinsic-api-key'], body])
      exchange.work()
    }
    const { delivery, put } = await start()
    const line = eventLine('ada')
    await put(line)
    await delivery.run()
    expect(seen).toEqual([['POST', '/v1/events/custom', testKey, line.body]])
    expect(delivery.state()).toMatchObject({ state: 'idle', requestsToday: 1, requestsLeft: 799_999 })
  })

  it('sends a line of attributes to the list of users, and counts it by its result', async () => {
    const paths: string[] = []
    px.script = (exchange) => {
      paths.push(`${exchange.method} ${exchange.url.pathname}`)
      exchange.answer(204)
    }
    const { delivery, put, store } = await start()
    await put(userLine('ada'))
    await delivery.run()
    expect(paths).toEqual(['PUT /v1/users/ada'])
    expect(delivery.state().attributes).toMatchObject({ put: 1, missing: 0 })
    expect(store.outboxCounts()).toMatchObject({ delivered: 1 })
  })

  it('looks an unconfirmed event up before it is resent, and resends it at once without look-ups', async () => {
    px.script = (exchange) => {
      if (exchange.method === 'GET') return exchange.work()
      if (exchange.n === 1) return exchange.answer(503)
      exchange.work()
    }
    for (const lookUp of [true, false]) {
      const { delivery, put, pass } = await start({ lookUp })
      const gets = px.count('GET')
      await put(eventLine(`looked up: ${lookUp}`))
      await delivery.run()
      await pass(900_000)
      expect(px.count('GET') > gets).toBe(lookUp)
    }
  })

  it('sends through the delivery of the app, without any request to PX', async () => {
    const sent: string[] = []
    const { delivery, put, store } = await start({
      async delivery({ id }) {
        sent.push(id)
        return { outcome: 'delivered' }
      },
    })
    await put(eventLine('a'), userLine('b'))
    await delivery.run()
    expect(sent.sort()).toEqual(['a', 'b'])
    expect(store.outboxCounts()).toMatchObject({ delivered: 2 })
    expect([px.requests, delivery.state().requestsToday]).toEqual([[], 0])
  })
})

describe('the check at start', () => {
  const rollups = [{ eventName: 'dailyApiCalls', by: 'identity' as const }]
  const durable = (): Store => ({ ...memoryStore(), durable: true })

  it.each([
    [200, undefined],
    [401, 'PX refuses the API key (401 at URL). Calls are counted,'],
    [403, 'PX refuses the API key (403 at URL). Calls are counted,'],
    [404, 'PX at URL/v1 returned 404'],
    [500, undefined],
  ])('warns of a key or an address that is wrong, with PX returning %i', async (status, message) => {
    const warned: string[] = []
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation((text) => {
      warned.push(String(text))
    })
    px.script = ({ answer }) => answer(status, '{"customEvents":[],"totalHits":0}')
    const { delivery } = await start({ rollups }, { store: durable() })
    await delivery.check()
    emitWarning.mockRestore()
    const expected = message === undefined ? [] : [expect.stringContaining(message.replace('URL', px.url))]
    expect(warned).toEqual(expected)
    expect(warned.join()).not.toContain(testKey)
  })
})

describe('a dry run', () => {
  it('sends nothing, however it is started', async () => {
    const { delivery, put, pass, store } = await start({ dryRun: true })
    await put(eventLine('a'))
    await delivery.run()
    delivery.wake()
    delivery.wakeNow()
    await delivery.check()
    await pass(60_000)
    expect(px.requests).toEqual([])
    expect(store.outboxCounts()).toMatchObject({ pending: 1 })
  })

  it('offers the lease to another process, which a dry run would keep from sending', async () => {
    let offers = 0
    const cannotSend = async () => {
      offers += 1
    }
    const store = { ...memoryStore(), cannotSend }
    const { delivery } = await start({ dryRun: true }, { store })
    await delivery.run()
    expect(offers).toBe(1)
  })
})

describe('the daily budget', () => {
  it('leaves a day the lines that nine tenths of it can send beside what waits', async () => {
    const { delivery, put } = await start({ maxRequestsPerDay: 100 })
    expect(delivery.linesForDay()).toBe(90)
    await put(...Array.from({ length: 60 }, (_, index) => eventLine(`line ${index}`)))
    expect(delivery.linesForDay()).toBe(30)
    await put(...Array.from({ length: 60 }, (_, index) => eventLine(`more ${index}`)))
    expect(delivery.linesForDay()).toBe(0)
  })

  it('is for lines of closed days alone once half of it is spent', async () => {
    const { delivery, put } = await start({ maxRequestsPerDay: 10 })
    for (const [count, isAtEase] of [
      [4, true],
      [1, false],
    ] as const) {
      await put(...Array.from({ length: count }, (_, index) => eventLine(`${count} ${index}`)))
      await delivery.run()
      expect(delivery.isAtEase()).toBe(isAtEase)
    }
  })

  it('is for lines of closed days alone while PX refuses the key', async () => {
    px.script = ({ answer }) => answer(401)
    const { delivery, put } = await start()
    await put(eventLine('a'))
    await delivery.run()
    expect(delivery.isAtEase()).toBe(false)
    expect(delivery.state()).toMatchObject({ state: 'stopped' })
  })
})

describe('the end of the delivery', () => {
  it('aborts open requests, whose lines are unconfirmed', async () => {
    const reached = new Promise<void>((resolve) => {
      px.script = () => resolve()
    })
    const { delivery, put, store } = await start()
    await put(eventLine('a'))
    const run = delivery.run()
    await reached
    await delivery.abort()
    await delivery.stop()
    await run
    expect(store.outboxCounts()).toMatchObject({ unconfirmed: 1 })
  })

  it('notes the requests that were really made, so that a restart does not count a whole block', async () => {
    const store = memoryStore()
    const { delivery, put } = await start({}, { store })
    await put(eventLine('a'), eventLine('b'))
    await delivery.run()
    await delivery.stop()
    await store.close()
    const next = await start({}, { store })
    await next.put(eventLine('c'))
    await next.delivery.run()
    expect(next.delivery.state().requestsToday).toBe(3)
  })
})
