import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { openConnection, requestText, send } from '../../support/http-client.ts'
import type { AdapterHarness } from '../adapter-contract.ts'
import { type ObservedApp, observedApp } from './observed-app.ts'

/** One call is known as aborted, and another one after it is the next that is counted. */
async function expectAborted(app: ObservedApp, route: string, statusCode: number): Promise<void> {
  expect(await app.seen(1)).toEqual([{ method: 'GET', route, statusCode, aborted: true }])
  await send(`${app.url}/users/7`)
  expect(await app.seen(2)).toHaveLength(2)
  expect(app.calls[1]).toMatchObject({ route: '/users/:id', aborted: false })
}

export function abortedCalls(harness: AdapterHarness): void {
  it('counts a client that leaves before the headers, without a status', async () => {
    const app = await observedApp(harness)
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(requestText('GET', '/slow'))
    await arrived
    client.socket.destroy()
    await expectAborted(app, '/slow', 0)
  })

  it('counts a client that leaves during the body, with the status it saw', async () => {
    const app = await observedApp(harness, (_req, res) => void res.writeHead(206).write('some'))
    const client = openConnection(app.port)
    client.write(requestText('GET', '/raw'))
    await client.until((text) => text.includes('some'))
    client.socket.destroy()
    await expectAborted(app, '/raw', 206)
  })

  it('counts a client that leaves while the app waits for it to read on', async () => {
    let blocked: ServerResponse | undefined
    const app = await observedApp(harness, (_req, res) => {
      const write = () => {
        while (res.write('x'.repeat(65_536)));
        if (res.writableLength > 1_000_000) blocked = res
        else setImmediate(write)
      }
      write()
    })
    const client = openConnection(app.port)
    client.socket.pause()
    client.write(requestText('GET', '/raw'))
    await vi.waitFor(() => expect(blocked).toBeDefined(), { interval: 1, timeout: 5_000 })
    expect(app.calls).toEqual([])
    client.socket.destroy()
    await expectAborted(app, '/raw', 200)
  })

  it('counts a client that leaves in the middle of its own body', async () => {
    const app = await observedApp(harness, (req, res) => void req.on('error', () => {}).pipe(res))
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(requestText('GET', '/raw', { 'Content-Length': '100' }, 'some'))
    await arrived
    client.socket.destroy()
    await app.seen(1)
    expect(app.calls).toMatchObject([{ route: '/raw', aborted: true }])
  })

  it.each([
    ['before the headers', 0, (res: ServerResponse) => void res.destroy()],
    ['after them', 200, (res: ServerResponse) => void res.write('some', () => res.destroy())],
    ['by its connection', 0, (res: ServerResponse) => void res.socket?.destroy()],
  ])('counts a response that the app destroys %s', async (_when, statusCode, destroy) => {
    const app = await observedApp(harness, (_req, res) => destroy(res))
    const client = openConnection(app.port)
    client.write(requestText('GET', '/raw'))
    await client.end()
    await expectAborted(app, '/raw', statusCode)
  })

  it('counts a client that had left before the middleware was called', async () => {
    let late: Promise<unknown> | undefined
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        if (req.url !== '/raw') return app(req, res)
        late = once(req.socket, 'close').then(() => setImmediate(() => app(req, res)))
      }
    const app = await observedApp(harness, () => {}, { around })
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(requestText('GET', '/raw'))
    await arrived
    client.socket.destroy()
    await late
    await expectAborted(app, '/raw', 0)
  })

  it('counts a client that leaves once, also when the app responds afterwards', async () => {
    let open: ServerResponse | undefined
    const app = await observedApp(harness, (_req, res) => {
      open = res
    })
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(requestText('GET', '/raw'))
    await arrived
    client.socket.destroy()
    await app.seen(1)
    open?.end('too late')
    await expectAborted(app, '/raw', 0)
  })

  const half = { 'Content-Length': '100' }

  it('counts no status that was written as the upload broke off', async () => {
    const app = await observedApp(harness, (req, res) => {
      req.on('aborted', () => void res.writeHead(400).end('request aborted'))
      req.on('error', () => {}).resume()
    })
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(requestText('POST', '/raw', half, 'some'))
    await arrived
    client.socket.destroy()
    await app.seen(1)
    expect(app.calls).toMatchObject([{ route: '/raw', statusCode: 0, aborted: true }])
  })

  it.each([
    ['on a new connection', 0],
    ['on a connection that is kept alive', 2],
  ])('counts no status that was written after the app closed the connection, %s', async (_which, before) => {
    const app = await observedApp(harness, (req, res) => {
      req.socket.destroy()
      res.writeHead(413).end('too large')
    })
    const client = openConnection(app.port)
    for (let id = 1; id <= before; id++) {
      client.write(requestText('GET', `/users/${id}`))
      await client.until((text) => text.includes(`{"id":"${id}"}`))
    }
    client.write(requestText('POST', '/raw', half, 'some'))
    await client.end()
    await app.seen(before + 1)
    expect(app.calls.at(-1)).toMatchObject({ route: '/raw', statusCode: 0, aborted: true })
  })

  it('counts the status of an upload that was refused before it broke off', async () => {
    const app = await observedApp(harness, (req, res) => {
      req.on('error', () => {}).resume()
      res.writeHead(413, { 'Content-Length': '10' }).write('some')
    })
    const client = openConnection(app.port)
    client.write(requestText('POST', '/raw', half, 'some'))
    await client.until((text) => text.includes('some'))
    client.socket.destroy()
    await app.seen(1)
    expect(app.calls).toMatchObject([{ route: '/raw', statusCode: 413, aborted: true }])
  })

  it('counts no status that waited behind another response', async () => {
    const app = await observedApp(harness, (_req, res) => void res.writeHead(400).end('never sent'))
    const client = openConnection(app.port)
    let requests = 0
    const arrived = new Promise<void>((resolve) => {
      app.server.on('request', () => {
        requests += 1
        if (requests === 2) resolve()
      })
    })
    client.write(requestText('GET', '/slow') + requestText('POST', '/raw', { 'Content-Length': '0' }))
    await arrived
    client.socket.destroy()
    await app.seen(2)
    expect(app.calls).toMatchObject([
      { route: '/slow', statusCode: 0, aborted: true },
      { route: '/raw', statusCode: 0, aborted: true },
    ])
  })

  it.each([
    ['its `close` listeners', (socket: Socket) => void socket.removeAllListeners('close')],
    ['all its listeners', (socket: Socket) => void socket.removeAllListeners()],
  ])('counts a call whose connection lost %s', async (_which, remove) => {
    const app = await observedApp(harness, (_req, res) => {
      for (let i = 0; i < 3; i++) remove(res.socket as Socket)
      setImmediate(() => res.socket?.destroy())
    })
    const client = openConnection(app.port)
    client.write(requestText('GET', '/raw'))
    await client.end()
    expect(await app.seen(1)).toMatchObject([{ route: '/raw', statusCode: 0, aborted: true }])
  })
}
