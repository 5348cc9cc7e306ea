import { AsyncLocalStorage } from 'node:async_hooks'
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { openConnection, requestText, send } from '../../support/http-client.ts'
import { recordingMeter } from '../../support/recording-meter.ts'
import type { AdapterHarness } from '../adapter-contract.ts'
import { observedApp } from './observed-app.ts'

export function countedCalls(harness: AdapterHarness): void {
  it.each([
    ['GET', '/users/7', '/users/:id', 200],
    ['GET', '/users/7?x=1', '/users/:id', 200],
    ['HEAD', '/users/7', '/users/:id', 200],
    ['GET', '/orders/8', '/orders/:id', 200],
    ['GET', '/stream', '/stream', 200],
    ['GET', '/fails', '/fails', 500],
    ['GET', '/fails-later', '/fails-later', 500],
    ['GET', '/no/such/path', undefined, 404],
  ])('names %s %s by its route', async (method, path, route, statusCode) => {
    const app = await observedApp(harness)
    await send(`${app.url}${path}`, { method })
    expect(await app.seen(1)).toEqual([{ method, route, statusCode, aborted: false }])
  })

  it.each([200, 201, 204, 301, 304, 400, 404, 429, 500, 503])('records the status %i', async (statusCode) => {
    const app = await observedApp(harness, (_req, res) => void res.writeHead(statusCode).end())
    await send(`${app.url}/raw`, { method: 'PUT' })
    expect(await app.seen(1)).toEqual([{ method: 'PUT', route: '/raw', statusCode, aborted: false }])
  })

  it('counts a response once in each of several writes, and when it is over', async () => {
    let open: ServerResponse | undefined
    const app = await observedApp(harness, (_req, res) => {
      open = res
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n')
    })
    const client = openConnection(app.port)
    client.write(requestText('GET', '/raw', { Connection: 'close' }))
    await client.until((text) => text.includes('data: 1'))
    open?.write('data: 2\n\n')
    await client.until((text) => text.includes('data: 2'))
    expect(app.calls).toEqual([])
    open?.end('data: 3\n\n')
    expect(await client.end()).toContain('data: 3')
    expect(await app.seen(1)).toHaveLength(1)
  })

  it('counts once when the middleware is mounted three times', async () => {
    const app = await observedApp(harness, undefined, { times: 3 })
    for (let i = 0; i < 2; i++) await send(`${app.url}/users/7`)
    expect(await app.seen(2)).toHaveLength(2)
  })

  it('counts once in each of two meters, mounted twice each', async () => {
    const second = recordingMeter()
    const app = await observedApp(harness, undefined, { times: 2, second: second.meter })
    for (let i = 0; i < 2; i++) await send(`${app.url}/users/7`)
    expect(await app.seen(2)).toHaveLength(2)
    expect(second.calls).toEqual(app.calls)
  })

  it('counts once when the middleware is called again after the response', async () => {
    let again = 0
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        app(req, res)
        res.on('close', () => {
          again += 1
          app(req, res)
        })
      }
    const app = await observedApp(harness, (_req, res) => void (res.writableEnded || res.end()), { around })
    const client = openConnection(app.port)
    client.write(requestText('GET', '/raw') + requestText('GET', '/raw'))
    await vi.waitFor(() => expect(again).toBe(2), { interval: 1 })
    client.socket.destroy()
    await send(`${app.url}/users/7`)
    expect((await app.seen(3)).map(({ route }) => route)).toEqual(['/raw', '/raw', '/users/:id'])
  })

  it('counts a call with Expect: 100-continue once', async () => {
    const app = await observedApp(harness, (req, res) => void req.pipe(res))
    const client = openConnection(app.port)
    client.write(
      requestText('POST', '/raw', { Expect: '100-continue', 'Content-Length': '5', Connection: 'close' }),
    )
    await client.until((text) => text.includes('100 Continue'))
    client.write('hello')
    expect(await client.end()).toMatch(/hello/)
    expect(await app.seen(1)).toEqual([{ method: 'POST', route: '/raw', statusCode: 200, aborted: false }])
  })

  it('counts once although others replaced write, end and writeHead of the response', async () => {
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        for (const name of ['write', 'end', 'writeHead'] as const) {
          const original = res[name] as (...args: unknown[]) => unknown
          Object.assign(res, { [name]: (...args: unknown[]) => original.apply(res, args) })
        }
        app(req, res)
      }
    const app = await observedApp(harness, undefined, { around })
    for (let i = 0; i < 2; i++) await send(`${app.url}/users/7`)
    expect(await app.seen(2)).toHaveLength(2)
  })

  it('counts a response that was ended before the middleware was called', async () => {
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        res.end('x'.repeat(5_000_000))
        app(req, res)
      }
    const app = await observedApp(harness, () => {}, { around })
    expect((await send(`${app.url}/raw`)).body).toHaveLength(5_000_000)
    expect(await app.seen(1)).toMatchObject([{ method: 'GET', route: '/raw', aborted: false }])
  })

  it('counts a response that was over before the middleware was called', async () => {
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        res.end('early')
        res.on('close', () => app(req, res))
      }
    const app = await observedApp(harness, () => {}, { around })
    expect((await send(`${app.url}/raw`)).body).toBe('early')
    expect(await app.seen(1)).toMatchObject([{ method: 'GET', route: '/raw', aborted: false }])
  })

  it('counts a response that was made by hand, as gateways and test kits do', async () => {
    const { meter, calls } = recordingMeter()
    const app = harness.createApp({ meter }, (_req, res) => void res.writeHead(202).end('by hand'))
    const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/raw' })
    const res = new ServerResponse(req)
    const written: string[] = []
    const socket = new Socket()
    socket._write = (chunk, _encoding, done) => {
      written.push(String(chunk))
      done()
    }
    socket._writev = (chunks, done) => {
      written.push(...chunks.map(({ chunk }) => String(chunk)))
      done()
    }
    res.assignSocket(socket)
    app(req, res)
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(written.join('')).toMatch(/^HTTP\/1.1 202.*by hand/s)
    expect(calls[0]).toMatchObject({ route: '/raw', statusCode: 202, aborted: false })
  })

  it('calls identify once, after the response, with what the app put on the request', async () => {
    const seen: unknown[] = []
    const app = await observedApp(
      harness,
      (req, res) => {
        Object.assign(req, { user: 'ann' })
        res.writeHead(201).end()
      },
      {
        identify: (source) => {
          const { req = source, res = (source as { res?: unknown }).res } = source as Record<string, unknown>
          seen.push(
            (req as { user?: string }).user,
            (res as ServerResponse | undefined)?.writableFinished ?? true,
          )
          return { userId: 'ann' }
        },
      },
    )
    await send(`${app.url}/raw`)
    await app.seen(1)
    expect(seen).toEqual(['ann', true])
  })

  it('calls identify in the async context in which the app responded', async () => {
    const store = new AsyncLocalStorage<string>()
    const app = await observedApp(
      harness,
      (_req, res) => store.run('ann', () => void setImmediate(() => res.end('hello'))),
      { identify: () => ({ userId: store.getStore() ?? 'nobody' }) },
    )
    for (let i = 0; i < 3; i++) await send(`${app.url}/raw`)
    await app.seen(3)
    expect(app.calls.map(({ identity }) => identity)).toEqual(Array(3).fill({ userId: 'ann' }))
  })

  it('passes what identify throws to the meter as its result', async () => {
    const identify = () => {
      throw new Error('no session')
    }
    const app = await observedApp(harness, undefined, { identify })
    expect((await send(`${app.url}/users/7`)).status).toBe(200)
    await app.seen(1)
    expect(app.calls[0]?.identity).toMatchObject({ error: new Error('no session') })
  })
}
