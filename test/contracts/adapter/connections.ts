import { type RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { openConnection, requestText, send } from '../../support/http-client.ts'
import type { AdapterHarness } from '../adapter-contract.ts'
import { observedApp } from './observed-app.ts'

const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' }

export function connections(harness: AdapterHarness): void {
  it('counts each call of a connection that is kept alive, as it finishes', async () => {
    const app = await observedApp(harness)
    const sockets = new Set<Socket>()
    app.server.on('request', (req) => sockets.add(req.socket))
    const client = openConnection(app.port)
    for (let id = 1; id <= 20; id++) {
      client.write(requestText('GET', `/users/${id}`))
      await client.until((text) => text.includes(`{"id":"${id}"}`))
      expect(await app.seen(id)).toHaveLength(id)
    }
    expect(sockets.size).toBe(1)
    expect([...sockets][0]?.listenerCount('close')).toBeLessThan(10)
    client.socket.destroy()
    expect(app.calls.every(({ route, aborted }) => route === '/users/:id' && !aborted)).toBe(true)
  })

  it('releases each request of a connection that stays open', async () => {
    const requests: WeakRef<object>[] = []
    const around =
      (app: RequestListener): RequestListener =>
      (req, res) => {
        requests.push(new WeakRef(req), new WeakRef(res))
        app(req, res)
      }
    const app = await observedApp(harness, undefined, { around, times: 2 })
    const client = openConnection(app.port)
    for (let id = 1; id <= 6; id++) {
      client.write(requestText('GET', `/users/${id}`))
      await client.until((text) => text.includes(`{"id":"${id}"}`))
    }
    await app.seen(6)
    // Node itself may keep the last one.
    const earlier = requests.slice(0, -2)
    await vi.waitFor(
      () => {
        collectGarbage()
        expect(earlier.filter((one) => one.deref() !== undefined)).toHaveLength(0)
      },
      { interval: 5 },
    )
    client.socket.destroy()
  })

  it('counts each of the calls that a client sends without waiting for responses', async () => {
    const app = await observedApp(harness)
    const client = openConnection(app.port)
    const paths = ['/users/1', '/orders/2', '/stream', '/no/such/path', '/fails', '/users/6']
    client.write(paths.map((path) => requestText('GET', path)).join(''))
    await client.until((text) => text.includes('"6"'))
    expect((await app.seen(6)).map(({ route, aborted }) => ({ route, aborted }))).toEqual(
      ['/users/:id', '/orders/:id', '/stream', undefined, '/fails', '/users/:id'].map((route) => ({
        route,
        aborted: false,
      })),
    )
    client.socket.destroy()
  })

  it('counts calls that wait behind another one as aborted when their client leaves', async () => {
    const app = await observedApp(harness)
    const client = openConnection(app.port)
    client.write(requestText('GET', '/users/1'))
    await client.until((text) => text.includes('"1"'))
    client.write(
      requestText('GET', '/slow') + requestText('GET', '/users/2') + requestText('GET', '/users/3'),
    )
    let requests = 0
    await new Promise<void>((resolve) =>
      app.server.on('request', () => {
        requests += 1
        if (requests === 3) resolve()
      }),
    )
    client.socket.destroy()
    await app.seen(4)
    await send(`${app.url}/users/4`)
    expect((await app.seen(5)).map(({ route, aborted }) => ({ route, aborted }))).toEqual([
      { route: '/users/:id', aborted: false },
      { route: '/slow', aborted: true },
      { route: '/users/:id', aborted: true },
      { route: '/users/:id', aborted: true },
      { route: '/users/:id', aborted: false },
    ])
  })

  it('counts an upgrade that the server does not know as the call that it becomes', async () => {
    const app = await observedApp(harness)
    const client = openConnection(app.port)
    client.write(requestText('GET', '/users/7', upgrade))
    expect(await client.until((text) => text.includes('"7"'))).toContain('200 OK')
    expect(await app.seen(1)).toMatchObject([{ route: '/users/:id', statusCode: 200, aborted: false }])
    client.socket.destroy()
  })

  it('does not count an upgrade that the app takes over: it is no call', async () => {
    const app = await observedApp(harness)
    app.server.on('upgrade', (_req, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    })
    const client = openConnection(app.port)
    client.write(requestText('GET', '/users/7', upgrade))
    expect(await client.end()).toContain('101 Switching')
    await send(`${app.url}/orders/8`)
    expect(await app.seen(1)).toMatchObject([{ route: '/orders/:id' }])
  })

  it('does not count an upgrade that is passed to the app with a response made by hand', async () => {
    const app = await observedApp(harness, (req) => {
      req.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    })
    app.server.on('upgrade', (req) => {
      for (const listener of app.server.listeners('request')) listener(req, new ServerResponse(req))
    })
    const client = openConnection(app.port)
    const closed = client.end()
    client.write(requestText('GET', '/raw', upgrade))
    expect(await closed).toContain('101 Switching')
    await send(`${app.url}/orders/8`)
    expect(await app.seen(1)).toMatchObject([{ route: '/orders/:id' }])
  })
}
