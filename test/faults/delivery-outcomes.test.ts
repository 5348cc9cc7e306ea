import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { fakeClock } from '@px-usage/core/testing'
import { Agent } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certificates, testAuthority } from '../support/certificates.ts'
import { eventLine, type Sender, startSender, testKey } from '../support/px-sender.ts'
import { startRawServer } from '../support/raw-server.ts'
import { type Exchange, type ScriptedPx, startScriptedPx } from '../support/scripted-px.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const mebibyte = 1024 * 1024

let px: ScriptedPx
let sender: Sender
const toClose: Array<() => Promise<unknown>> = []

beforeEach(async () => {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  px = await startScriptedPx(clock.now)
  sender = await startSender(px.url, {}, { clock })
})

afterEach(async () => {
  for (const close of toClose.splice(0)) await close()
  await sender.close()
  await px.close()
})

/** Another sender than that of the test, on the same clock. */
async function restart(options: Parameters<typeof startSender>[1], baseUrl = px.url): Promise<void> {
  const { clock } = sender
  await sender.close()
  sender = await startSender(baseUrl, options, { clock })
}

function firstPost(act: (exchange: Exchange) => void): (exchange: Exchange) => void {
  return (exchange) => (exchange.method === 'POST' && exchange.n === 1 ? act(exchange) : exchange.work())
}

function post(act: (exchange: Exchange) => void): (exchange: Exchange) => void {
  return (exchange) => (exchange.method === 'POST' ? act(exchange) : exchange.work())
}

function lines(count: number, from = 0) {
  return Array.from({ length: count }, (_, index) => eventLine(`line-${from + index}`))
}

function codes(): string[] {
  return sender.errors.map(({ code }) => code)
}

async function expectAllOnce(count: number): Promise<void> {
  expect(sender.store.outboxCounts()).toEqual({
    closed: count,
    delivered: count,
    pending: 0,
    unconfirmed: 0,
    rejected: 0,
  })
  expect(px.events).toHaveLength(count)
  expect(new Set(px.ids()).size).toBe(count)
}

describe('an unconfirmed line', () => {
  it('is looked up and not resent when PX returned 201 after the request timed out', async () => {
    await restart({ requestTimeoutMs: 1_000 })
    px.script = firstPost((exchange) => exchange.store())
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 1, delivered: 0 })
    await sender.pass(15 * minute - 1)
    expect(px.count('GET')).toBe(0)
    await sender.pass(1)
    await expectAllOnce(1)
    expect(px.count('POST')).toBe(1)
  })

  it('is looked up and not resent when PX stored the event and returned 503', async () => {
    px.script = firstPost((exchange) => {
      exchange.store()
      exchange.answer(503, '<html>Service Unavailable')
    })
    await sender.put(...lines(20))
    await sender.delivery.run()
    await sender.pass(16 * minute, minute)
    await expectAllOnce(20)
    expect(px.count('POST')).toBe(20)
    expect(sender.delivery.state().possibleDuplicates).toBe(0)
  })

  it('is looked up and resent once when PX dropped the event and never replied', async () => {
    await restart({ requestTimeoutMs: 1_000 })
    px.script = firstPost(() => {})
    await sender.put(eventLine('a'), eventLine('b'))
    await sender.delivery.run()
    expect(px.ids()).toEqual(['b'])
    await sender.pass(16 * minute, minute)
    await expectAllOnce(2)
    expect(px.count('POST')).toBe(3)
  })

  it('of a killed sender waits as long for its look-up as one of this process', async () => {
    await sender.put(eventLine('kept'), eventLine('lost'))
    const { lines } = await sender.store.claim(2)
    await sender.store.markAttempts(
      lines.map(({ id }) => id),
      sender.clock.now(),
    )
    const killedAtMs = sender.clock.now()
    await fetch(px.url, { method: 'POST', body: eventLine('kept').body })
    px.lagMs = () => 0
    await sender.delivery.run()
    await sender.pass(15 * minute - 1, minute)
    expect(px.count('GET')).toBe(0)
    await sender.pass(minute)
    await expectAllOnce(2)
    expect(px.requests.find(({ method }) => method === 'GET')?.atMs).toBe(killedAtMs + 15 * minute)
  })

  it.each([
    ['10 min, before the look-up at 15 min', 10 * minute, 15 * minute],
    ['2 h, before the look-up at 3 h', 2 * hour, 3 * hour],
  ])('is not duplicated when PX lists its event after %s', async (_name, lagMs, lookUpAfterMs) => {
    await restart({ lookUpAfterMs })
    px.lagMs = () => lagMs
    px.script = post((exchange) => {
      exchange.store()
      exchange.answer(exchange.n % 2 === 0 ? 504 : 201)
    })
    await sender.put(...lines(40))
    await sender.delivery.run()
    await sender.pass(4 * hour, minute)
    await expectAllOnce(40)
  })

  it('is resent once, not again and again, when PX lists its event after the look-up', async () => {
    px.lagMs = ({ identifyId }) => (identifyId.startsWith('late') ? 2 * hour : 0)
    px.script = post((exchange) => {
      if (!exchange.body.includes('dropped')) exchange.store()
      exchange.answer(503)
    })
    await sender.put(eventLine('late-1'), eventLine('late-2'), eventLine('dropped'), eventLine('seen'))
    await sender.delivery.run()
    px.script = (exchange) => exchange.work()
    await sender.pass(20 * minute, minute)
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 4, unconfirmed: 0 })
    expect(px.ids().sort()).toEqual(['dropped', 'late-1', 'late-1', 'late-2', 'late-2', 'seen'])
    const requests = px.requests.length
    await sender.pass(7 * hour, minute)
    expect(px.requests).toHaveLength(requests)
    expect(sender.delivery.state()).toMatchObject({ possibleDuplicates: 0, state: 'idle' })
  })

  it.each<[string, (exchange: Exchange) => void]>([
    ['500', ({ answer }) => answer(500)],
    ['404', ({ answer }) => answer(404)],
    ['a page of HTML', ({ answer }) => answer(200, '<html>Please log in')],
    ['JSON that is no list', ({ answer }) => answer(200, '{"users":[],"totalHits":0,"scrollId":"x"}')],
    ['a list without a total', ({ answer }) => answer(200, '{"customEvents":[],"scrollId":"x"}')],
    ['null', ({ answer }) => answer(200, 'null')],
    [
      'fewer events than it says',
      ({ answer }) => answer(200, '{"customEvents":[],"totalHits":7,"scrollId":"x"}'),
    ],
    [
      'the same page again and again',
      (exchange) => {
        const event = { eventId: 'same', eventName: 'dailyApiCalls', identifyId: 'z', attributes: {} }
        exchange.answer(200, JSON.stringify({ customEvents: [event], totalHits: 2, scrollId: 'x' }))
      },
    ],
    [
      'an expired scroll',
      (exchange) => {
        if (exchange.url.searchParams.has('scrollId')) return exchange.answer(400, 'No search context found')
        exchange.answer(200, '{"customEvents":[{"eventId":"1"}],"totalHits":2,"scrollId":"x"}')
      },
    ],
    [
      'a body that breaks off',
      ({ res }) => {
        res.writeHead(200, { 'content-length': 100 })
        res.write('{"customEvents":[],"totalHits":0')
        setImmediate(() => res.destroy())
      },
    ],
  ])('stays unconfirmed while its look-up returns %s, and is found later', async (_name, act) => {
    px.script = (exchange) => {
      if (exchange.method === 'GET') return act(exchange)
      exchange.store()
      exchange.answer(exchange.n === 1 ? 500 : 201)
    }
    await sender.put(eventLine('a'), eventLine('b'))
    await sender.delivery.run()
    await sender.pass(2 * hour, minute)
    expect(px.count('GET')).toBeGreaterThan(3)
    expect(px.count('POST')).toBe(2)
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 1, delivered: 1 })
    expect(codes()).toEqual(['PXU_ERR_DELIVERY_LOOKUP_FAILED'])
    px.script = (exchange) => exchange.work()
    await sender.pass(2 * hour, minute)
    await expectAllOnce(2)
  })

  it('delays no other line when its look-up fails', async () => {
    px.script = (exchange) => {
      if (exchange.method === 'GET') return exchange.answer(500)
      exchange.store()
      exchange.answer(exchange.n <= 3 ? 500 : 201)
    }
    await sender.put(...lines(10))
    await sender.delivery.run()
    await sender.pass(20 * minute, minute)
    await sender.put(...lines(10, 10))
    await sender.pass(minute)
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 3, delivered: 17 })
  })

  it('is looked up together with many others of its day in one list', async () => {
    px.script = post((exchange) => {
      exchange.store()
      exchange.answer(exchange.n % 3 === 0 ? 500 : 201)
    })
    await sender.put(...lines(300))
    await sender.delivery.run()
    expect(sender.store.outboxCounts().unconfirmed).toBe(100)
    await sender.pass(15 * minute)
    await expectAllOnce(300)
    expect(px.count('GET')).toBeLessThan(5)
  })

  it('is looked up by itself where the list is long and few lines are unconfirmed', async () => {
    await sender.put(...lines(6_000))
    await sender.delivery.run()
    px.script = post((exchange) => {
      if (exchange.n % 2 === 0) exchange.store()
      exchange.answer(500)
    })
    await sender.put(...lines(5, 6_000))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 5 })
    px.script = (exchange) => exchange.work()
    await sender.pass(30 * minute, minute)
    await expectAllOnce(6_005)
    // One alone, while PX is not trusted to work; then a page of the list, which is too long for four.
    expect(px.count('GET')).toBe(6)
  })

  it.each([
    'a;b',
    'a==b',
    '*',
    'a?',
    'a,b',
    '"a"',
    "'",
    'a b',
    'ä',
    'a+b',
    '%61',
    '<a>',
    '~a',
    'A&b=c#d',
    '',
    '\u0000\n',
  ])('of the user %j is neither found nor missed by mistake', async (user) => {
    px.script = (exchange) => {
      if (exchange.method === 'POST' && exchange.n > 2) return exchange.work()
      if (exchange.method === 'POST' && exchange.n === 1) exchange.store()
      if (exchange.method === 'POST') return exchange.answer(503)
      exchange.work()
    }
    // The first arrives and the second does not, for a user who may match many others.
    await sender.put(
      eventLine('kept', { user }),
      eventLine('lost', { user, eventName: 'dailyEndpointCalls' }),
    )
    for (const other of ['ab', 'a', 'b', 'A', 'a;c', 'x']) {
      await sender.put(eventLine(`of ${other}`, { user: other, eventName: 'dailyEndpointCalls' }))
    }
    await sender.delivery.run()
    await sender.pass(16 * minute, minute)
    await expectAllOnce(8)
    expect(px.count('POST')).toBe(9)
  })

  it('whose event name has filter characters is looked up', async () => {
    px.script = post((exchange) => {
      if (exchange.n === 1) exchange.store()
      if (exchange.n <= 2) return exchange.answer(503)
      exchange.work()
    })
    await sender.put(eventLine('kept', { eventName: 'a;b*' }), eventLine('lost', { eventName: 'a;b*' }))
    await sender.delivery.run()
    await sender.pass(16 * minute, minute)
    await expectAllOnce(2)
  })
})

describe('a sender that PX limits', () => {
  it.each([
    ['5', 5 * second, 5 * second],
    ['a date', 2 * minute, 2 * minute],
    ['a date in the past', second, second],
    ['soon', 30 * second, 37.5 * second],
    ['1000000000000', hour, hour],
    [undefined, 30 * second, 37.5 * second],
  ])(
    'waits as long as Retry-After %s asks after a 429, within bounds',
    async (retryAfter, leastMs, mostMs) => {
      const offset = retryAfter === 'a date' ? 2 * minute : -hour
      const value = retryAfter?.startsWith('a date')
        ? new Date(sender.clock.now() + offset).toUTCString()
        : retryAfter
      const date = new Date(sender.clock.now()).toUTCString()
      px.script = firstPost(({ answer }) =>
        answer(429, '', value === undefined ? {} : { 'retry-after': value, date }),
      )
      const startMs = sender.clock.now()
      await sender.put(...lines(20))
      await sender.delivery.run()
      const sentFirst = px.count('POST')
      expect(sentFirst).toBeLessThanOrEqual(8)
      await sender.pass(leastMs - 1)
      await sender.delivery.run()
      expect(px.count('POST'), 'also for an app that calls flush()').toBe(sentFirst)
      expect(sender.delivery.state().state).toBe('waiting')
      await sender.pass(mostMs - leastMs + 1, second)
      expect(px.count('POST')).toBe(21)
      expect(px.requests.at(-1)?.atMs).toBeLessThanOrEqual(startMs + mostMs + second)
      await expectAllOnce(20)
    },
  )

  it('makes few requests during a day of 429, then sends all lines, the oldest day first', async () => {
    px.script = ({ answer }) => answer(429)
    await sender.put(eventLine('new', { day: '2026-11-23' }), eventLine('old', { day: '2026-11-22' }))
    await sender.delivery.run()
    await sender.pass(day, minute)
    expect(px.count('POST')).toBeLessThan(2 * (24 * 4 + 10))
    expect(sender.store.outboxCounts()).toMatchObject({ pending: 2, unconfirmed: 0 })
    px.script = (exchange) => exchange.work()
    await sender.pass(20 * minute, minute)
    await expectAllOnce(2)
    expect(px.ids()).toEqual(['old', 'new'])
  })

  it('keeps its daily budget over a restart and sends the rest later, the oldest day first', async () => {
    const { clock, store } = sender
    const budget = { maxRequestsPerDay: 30 }
    await sender.delivery.stop()
    await store.close()
    sender = await startSender(px.url, budget, { clock, store })
    await sender.put(...lines(25))
    await sender.delivery.run()
    expect(sender.delivery.state()).toMatchObject({ requestsToday: 25, requestsLeft: 5 })
    await sender.put(...lines(50, 25), eventLine('old', { day: '2026-11-20' }))
    await sender.delivery.run()
    await sender.pass(20 * hour, hour)
    expect(px.count('POST')).toBe(30)
    expect(px.ids()[25]).toBe('old')
    expect(sender.delivery.state()).toMatchObject({ state: 'waiting', requestsLeft: 0 })
    await sender.pass(3 * day, hour)
    await expectAllOnce(76)
    const perDay = new Map<number, number>()
    for (const { atMs } of px.requests) {
      const onDay = Math.floor(atMs / day)
      perDay.set(onDay, (perDay.get(onDay) ?? 0) + 1)
    }
    expect(Math.max(...perDay.values())).toBe(30)
  })
})

describe('a sender whose PX is down or replaced', () => {
  it('makes few requests in 72 h of 500, keeps the outbox, and sends all after recovery', async () => {
    px.script = ({ answer }) => answer(500)
    await sender.put(...lines(300))
    await sender.delivery.run()
    await sender.pass(3 * day, minute)
    const { closed, pending, unconfirmed } = sender.store.outboxCounts()
    expect([closed, pending + unconfirmed]).toEqual([300, 300])
    expect(px.requests.length).toBeLessThan(5_000)
    expect(codes()).toContain('PXU_ERR_DELIVERY_UNREACHABLE')
    px.script = (exchange) => exchange.work()
    await sender.pass(3 * hour, minute)
    await expectAllOnce(300)
    console.log(`72 h of 500: ${px.requests.length - 300} requests, ${codes().length} errors told`)
  })

  it.each([301, 302, 307, 308])(
    'does not follow a redirect %d, marks no line as delivered, and reports it',
    async (status) => {
      px.script = ({ answer }) => answer(status, '', { location: `${px.url}/elsewhere` })
      await sender.put(...lines(10))
      await sender.delivery.run()
      await sender.pass(12 * minute, minute)
      expect(px.requests.every(({ url }) => url.pathname === '/v1/events/custom')).toBe(true)
      expect(sender.store.outboxCounts()).toMatchObject({ delivered: 0, pending: 10, unconfirmed: 0 })
      expect(sender.delivery.state().state).toBe('stopped')
      expect(codes()).toEqual(['PXU_ERR_DELIVERY_STOPPED'])
      px.script = (exchange) => exchange.work()
      await sender.pass(6 * minute, minute)
      await expectAllOnce(10)
    },
  )

  it.each([
    [200, '<html>Welcome to the hotel'],
    [200, '{}'],
    [202, ''],
    [204, ''],
  ])('takes a line for unconfirmed after %d %j', async (status, body) => {
    px.script = ({ answer }) => answer(status, status === 204 ? undefined : body)
    await sender.put(...lines(10))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 0, unconfirmed: 8, pending: 2 })
    await sender.pass(hour, minute)
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 0, unconfirmed: 10, pending: 0 })
    px.script = (exchange) => exchange.work()
    await sender.pass(3 * hour, minute)
    await expectAllOnce(10)
  })

  it.each(['ENOTFOUND', 'EAI_AGAIN'])(
    'keeps lines pending and looks nothing up during an hour of %s',
    async (code) => {
      let isBroken = true
      const dispatcher = new Agent({
        connect: {
          lookup: (_hostname, options, callback) => {
            const error = isBroken ? Object.assign(new Error(`getaddrinfo ${code}`), { code }) : null
            if ((options as { all?: boolean }).all)
              callback(error, [{ address: '127.0.0.1', family: 4 }] as never, 4)
            else callback(error, '127.0.0.1', 4)
          },
        },
      })
      toClose.push(() => dispatcher.destroy())
      await restart({ dispatcher }, px.url.replace('127.0.0.1', 'px.localhost'))
      await sender.put(...lines(20))
      await sender.delivery.run()
      await sender.pass(hour, minute)
      expect(sender.store.outboxCounts()).toMatchObject({ pending: 20, unconfirmed: 0 })
      expect(codes()).toEqual(['PXU_ERR_DELIVERY_UNREACHABLE'])
      isBroken = false
      await sender.pass(6 * minute, minute)
      await expectAllOnce(20)
      expect(px.count('GET')).toBe(0)
      expect(px.count('POST')).toBe(20)
    },
  )

  it.each([
    ['expired', certificates.expired, 'CERT_HAS_EXPIRED'],
    ['for another host', certificates.otherHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['of an unknown authority', certificates.good, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ])(
    'sends nothing while the certificate is %s, reports it, and sends once it is valid',
    async (name, certificate) => {
      const received: string[] = []
      const server = createServer(certificate, (req, res) => {
        req.on('data', (chunk) => received.push(String(chunk)))
        req.on('end', () => res.writeHead(201).end())
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const isTrusted = name !== 'of an unknown authority'
      const dispatcher = new Agent({ connect: isTrusted ? { ca: testAuthority } : {} })
      toClose.push(
        () => dispatcher.destroy(),
        () => new Promise((resolve) => server.close(resolve)),
      )
      await restart({ dispatcher }, `https://127.0.0.1:${port}`)
      await sender.put(eventLine('a'))
      await sender.delivery.run()
      expect(received).toEqual([])
      expect(sender.store.outboxCounts()).toMatchObject({ pending: 1, unconfirmed: 0 })
      expect(sender.delivery.state().stopped).toMatch(/certificate|altnames/i)
      expect(codes()).toEqual(['PXU_ERR_DELIVERY_STOPPED'])
      if (!isTrusted) return
      server.setSecureContext(certificates.good)
      await sender.pass(5 * minute, minute)
      expect(sender.store.outboxCounts()).toMatchObject({ delivered: 1 })
    },
  )

  it.each<[string, Parameters<typeof startRawServer>[0]]>([
    ['a reset in the handshake', (socket, data) => void (data !== undefined && socket.resetAndDestroy())],
    ['an end before the handshake', (socket) => void socket.end()],
    [
      'plain HTTP on the TLS port',
      (socket, data) => {
        if (data !== undefined) socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')
      },
    ],
  ])('keeps lines pending after %s, and the key stays here', async (_name, talk) => {
    const server = await startRawServer(talk)
    toClose.push(server.close)
    await restart({}, `https://127.0.0.1:${server.port}`)
    await sender.put(...lines(3))
    await sender.delivery.run()
    await sender.pass(10 * minute, minute)
    expect(server.received.length).toBeGreaterThan(1)
    expect(sender.store.outboxCounts()).toMatchObject({ pending: 3, unconfirmed: 0 })
    expect(server.received.join()).not.toContain(testKey)
    expect(codes()).toEqual(['PXU_ERR_DELIVERY_UNREACHABLE'])
  })

  it('has one deadline for a request whose reply headers come byte by byte', async () => {
    let sent = 0
    const server = await startRawServer((socket, data) => {
      if (data === undefined) return
      const drip = setInterval(() => {
        sent += 1
        socket.write('HTTP/1.1 201 Created\r\nx-slow: 1234567890'.charAt(sent % 30))
      }, 10)
      socket.on('close', () => clearInterval(drip))
    })
    toClose.push(server.close)
    await restart({ requestTimeoutMs: 200 }, `http://127.0.0.1:${server.port}`)
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 1 })
  })

  it('takes a line for delivered when the body stalls after the header of a 201', async () => {
    px.script = post(({ store, res }) => {
      store()
      res.writeHead(201, { 'content-length': 10 })
      res.write('{')
    })
    await restart({ requestTimeoutMs: 100 })
    await sender.put(...lines(3))
    await sender.delivery.run()
    await expectAllOnce(3)
  })

  it.each<[number, Record<string, string>, Buffer]>([
    [400, {}, Buffer.alloc(65_536, 'x')],
    [500, {}, Buffer.alloc(65_536, 'x')],
    [400, { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(64 * mebibyte))],
  ])('reads little of an endless body of a %d %j, and memory stays flat', async (status, headers, piece) => {
    let written = 0
    let mostResident = 0
    px.script = post(({ res }) => {
      res.writeHead(status, headers)
      res.on('error', () => {})
      const write = () => {
        while (!res.destroyed && written < 1e9) {
          written += piece.length
          mostResident = Math.max(mostResident, process.memoryUsage.rss())
          if (!res.write(piece)) return void res.once('drain', write)
        }
      }
      write()
    })
    await sender.put(eventLine('a'))
    const before = process.memoryUsage.rss()
    await sender.delivery.run()
    mostResident = Math.max(mostResident, process.memoryUsage.rss())
    expect(written).toBeGreaterThan(65_536)
    expect(mostResident - before).toBeLessThan(48 * mebibyte)
    expect(written).toBeLessThan(16 * mebibyte)
    const { rejected, unconfirmed } = sender.store.outboxCounts()
    expect([rejected, unconfirmed]).toEqual(status === 400 ? [1, 0] : [0, 1])
    for await (const { reason } of sender.store.rejected()) expect(reason.length).toBeLessThan(2_200)
  })

  it.each(['', '{', '<html>', '\u0000', 'null'])(
    'takes a line for delivered after a 201 with the body %j',
    async (body) => {
      px.script = post(({ store, answer }) => {
        store()
        answer(201, body)
      })
      await sender.put(...lines(3))
      await sender.delivery.run()
      await expectAllOnce(3)
    },
  )

  it('looks a line up before it resends it when a kept-alive connection was reset', async () => {
    const dispatcher = new Agent({ connections: 1 })
    toClose.push(() => dispatcher.destroy())
    await restart({ dispatcher })
    const byConnection = new Map<unknown, number>()
    px.script = post((exchange) => {
      const { socket } = exchange.req
      const used = (byConnection.get(socket) ?? 0) + 1
      byConnection.set(socket, used)
      if (used === 2 && px.events.length === 1) return void socket.resetAndDestroy()
      exchange.work()
    })
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    await sender.put(eventLine('b'))
    await sender.delivery.run()
    expect(px.ids()).toEqual(['a'])
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 1, unconfirmed: 1 })
    expect(px.count('POST')).toBe(2)
    await sender.pass(16 * minute, minute)
    await expectAllOnce(2)
    expect(px.count('POST')).toBe(3)
  })
})

describe('a sender that PX refuses', () => {
  it('keeps the one line that gets a 400, with the reply, and sends the others', async () => {
    px.script = post((exchange) => {
      if (exchange.body.includes('"line-7"'))
        return exchange.answer(400, '{"externalapierror":{"status":"BAD_REQUEST"}}')
      exchange.work()
    })
    await sender.put(...lines(100))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({
      delivered: 99,
      rejected: 1,
      pending: 0,
      unconfirmed: 0,
    })
    const refused = []
    for await (const { id, reason } of sender.store.rejected()) refused.push([id, reason])
    expect(refused).toEqual([['line-7', 'PX returned 400: {"externalapierror":{"status":"BAD_REQUEST"}}']])
    expect(px.count('POST')).toBe(100)
  })

  it('rejects the only line when it gets a 400', async () => {
    px.script = post(({ answer }) => answer(400))
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ rejected: 1, pending: 0, unconfirmed: 0 })
    expect(codes()).toEqual(['PXU_ERR_DELIVERY_REJECTED'])
  })

  it('stops after 20 times 400, keeps all lines, and resumes after a probe', async () => {
    px.script = post(({ answer }) => answer(400, 'unknown field apiCalls'))
    await sender.put(...lines(100))
    await sender.delivery.run()
    expect(px.count('POST')).toBeLessThanOrEqual(27)
    expect(sender.store.outboxCounts()).toMatchObject({ rejected: 0, unconfirmed: 0, pending: 100 })
    expect(codes()).toEqual(['PXU_ERR_DELIVERY_STOPPED'])
    expect(sender.delivery.state().state).toBe('stopped')
    await sender.pass(hour, minute)
    expect(px.count('POST')).toBeLessThanOrEqual(27 + 13)
    expect(sender.store.outboxCounts()).toMatchObject({ rejected: 0, pending: 100 })
    px.script = (exchange) => exchange.work()
    await sender.pass(3 * hour, minute)
    await expectAllOnce(100)
  })

  it('rejects many lines in a row only once PX has accepted others', async () => {
    px.script = post((exchange) => {
      if (exchange.body.includes('"bad')) return exchange.answer(400)
      exchange.work()
    })
    await sender.put(
      ...Array.from({ length: 30 }, (_, index) => eventLine(`bad-${index}`, { day: '2026-11-22' })),
    )
    await sender.put(...lines(50))
    await sender.delivery.run()
    expect(sender.store.outboxCounts()).toMatchObject({ rejected: 0, pending: 80 })
    await sender.pass(6 * hour, minute)
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 50, rejected: 30, pending: 0 })
    expect(sender.delivery.state().stopped).toBeUndefined()
  })

  it('resumes when PX refuses a probe for the contents of the probe', async () => {
    px.script = post((exchange) => {
      if (exchange.n <= 8) return exchange.answer(401)
      if (exchange.n === 9) return exchange.answer(400)
      exchange.work()
    })
    await sender.put(...lines(10))
    await sender.delivery.run()
    for (let round = 0; sender.store.outboxCounts().rejected === 0 && round < 20; round++) {
      await sender.pass(5 * minute, minute)
    }
    await sender.delivery.run()
    expect(sender.delivery.state().stopped).toBeUndefined()
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 9, rejected: 1 })
  })

  it.each([401, 403, 404, 405])(
    'stops after %d, keeps all lines, and resumes without a restart',
    async (status) => {
      px.script = ({ answer }) => answer(status, 'Authentication failed in loginAwareAuthentication')
      await sender.put(...lines(50))
      await sender.delivery.run()
      await sender.pass(hour, minute)
      expect(px.requests.length).toBeLessThanOrEqual(8 + 13)
      expect(sender.store.outboxCounts()).toMatchObject({ pending: 50, unconfirmed: 0, rejected: 0 })
      expect(codes()).toEqual(['PXU_ERR_DELIVERY_STOPPED'])
      px.script = (exchange) => exchange.work()
      await sender.pass(6 * minute, minute)
      await expectAllOnce(50)
    },
  )

  it('sends with a new key as soon as the app has changed it', async () => {
    let apiKey = 'old-key-00000'
    await restart({ apiKey: () => apiKey })
    px.script = (exchange) =>
      exchange.req.headers['x-aptrinsic-api-key'] === 'new-key-11111' ? exchange.work() : exchange.answer(401)
    await sender.put(...lines(20))
    await sender.delivery.run()
    expect(sender.delivery.state().stopped).toBeDefined()
    apiKey = 'new-key-11111'
    await sender.delivery.run()
    await expectAllOnce(20)
  })

  it('looks up a line that became unconfirmed before PX refused the key', async () => {
    px.script = ({ store, answer, method }) => {
      if (method === 'POST') store()
      answer(500)
    }
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    px.script = ({ answer }) => answer(401)
    await sender.pass(20 * minute, minute)
    expect(sender.store.outboxCounts()).toMatchObject({ unconfirmed: 1 })
    px.script = (exchange) => exchange.work()
    await sender.pass(2 * hour, minute)
    await expectAllOnce(1)
    expect(sender.delivery.state().possibleDuplicates).toBe(0)
  })

  it.each([401, 403])(
    'resends unconfirmed lines without Read permission (%d), counts them, and warns once',
    async (status) => {
      const warnings: string[] = []
      const listen = (warning: Error & { code?: string }) => warnings.push(warning.code ?? '')
      process.on('warning', listen)
      px.script = (exchange) => {
        if (exchange.method === 'GET') return exchange.answer(status)
        exchange.store()
        exchange.answer(exchange.n <= 3 ? 503 : 201)
      }
      await sender.put(...lines(10))
      await sender.delivery.run()
      await sender.pass(20 * minute, minute)
      process.off('warning', listen)
      expect(sender.store.outboxCounts()).toMatchObject({ delivered: 10, unconfirmed: 0 })
      expect(new Set(px.ids()).size).toBe(10)
      expect(px.events).toHaveLength(13)
      expect(sender.delivery.state()).toMatchObject({ possibleDuplicates: 3, stopped: undefined })
      expect(warnings.filter((code) => code === 'PXU_WRN_DELIVERY_NO_READ')).toHaveLength(1)
      const { clock, store } = sender
      await sender.close()
      sender = await startSender(px.url, {}, { clock, store })
      await sender.delivery.run()
      expect(sender.delivery.state().possibleDuplicates).toBe(3)
    },
  )

  it('resends unconfirmed lines with lookUp: false, and counts possible duplicates', async () => {
    await restart({ lookUp: false })
    px.script = post((exchange) => {
      if (exchange.n !== 2) exchange.store()
      exchange.answer(exchange.n <= 3 ? 503 : 201)
    })
    await sender.put(...lines(10))
    await sender.delivery.run()
    await sender.pass(20 * minute, minute)
    expect(sender.store.outboxCounts()).toMatchObject({ delivered: 10 })
    expect(px.count('GET')).toBe(0)
    expect(sender.delivery.state().possibleDuplicates).toBe(3)
    expect(px.events.length - new Set(px.ids()).size).toBe(2)
  })
})
