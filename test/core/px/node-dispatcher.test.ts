import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createNodeDispatcher } from '../../../packages/core/src/px/node-dispatcher.ts'

let server: Server | undefined
let dispatcher: ReturnType<typeof createNodeDispatcher> | undefined
afterEach(async () => {
  await dispatcher?.destroy()
  server?.closeAllConnections()
  server?.close()
  server = undefined
  dispatcher = undefined
})

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Seen {
  readonly events: string[]
  readonly status: number | undefined
  readonly headers: Record<string, unknown>
  readonly body: string
  readonly error: Error | undefined
}

/** Sends one request and resolves to what its handler was called with, in the order of the calls. */
function send(
  origin: string,
  options: object = {},
  onEvent: (event: string, controller: { abort(reason: Error): void }) => void = () => {},
): Promise<Seen> {
  dispatcher ??= createNodeDispatcher(2)
  return new Promise((resolve) => {
    const seen = {
      ...{ events: [] as string[], status: undefined as number | undefined },
      ...{ headers: {}, body: '', error: undefined as Error | undefined },
    }
    let controller = { abort(_reason: Error) {} }
    const note = (event: string) => {
      seen.events.push(event)
      onEvent(event, controller)
    }
    const handler = {
      onRequestStart(given: typeof controller) {
        controller = given
        note('start')
      },
      onResponseStart(_: unknown, status: number, headers: object) {
        Object.assign(seen, { status, headers })
        note('response')
      },
      onResponseData(_: unknown, chunk: Buffer) {
        seen.body += chunk
        if (seen.events.at(-1) !== 'data') note('data')
      },
      onResponseEnd() {
        note('end')
        resolve(seen)
      },
      onResponseError(_: unknown, error: Error) {
        seen.error = error
        seen.events.push('error')
        resolve(seen)
      },
    }
    const request = { origin, path: '/v1/x?y=1', method: 'POST', headers: {}, body: null, ...options }
    expect(dispatcher?.dispatch(request, handler)).toBe(true)
  })
}

it('sends method, path, headers and body, and passes the whole response on', async () => {
  const origin = await serve(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    res.writeHead(201, { 'x-reply': 'yes' })
    res.end(`${req.method} ${req.url} ${req.headers['x-key']} ${body}`)
  })
  const seen = await send(origin, { headers: { 'x-key': 'secret' }, body: '{"a":"é"}' })
  expect(seen).toMatchObject({ status: 201, headers: { 'x-reply': 'yes' } })
  expect(seen.body).toBe('POST /v1/x?y=1 secret {"a":"é"}')
  expect(seen.events).toEqual(['start', 'response', 'data', 'end'])
})

it('sends no body for null', async () => {
  const origin = await serve((req, res) => void res.end(req.headers['content-length'] ?? 'no length'))
  expect((await send(origin, { method: 'GET' })).body).toBe('no length')
})

it('keeps connections open for the next request, at most as many as it may', async () => {
  const ports = new Set<unknown>()
  let open = 0
  let most = 0
  const origin = await serve((req, res) => {
    ports.add(req.socket.remotePort)
    open += 1
    most = Math.max(most, open)
    setTimeout(() => {
      open -= 1
      res.end()
    }, 20)
  })
  const all = await Promise.all(Array.from({ length: 6 }, () => send(origin)))
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
  expect(all.every(({ events }) => events[0] === 'start')).toBe(true)
  expect([ports.size, most]).toEqual([2, 2])
})

it('does not start a request that cannot connect, so it was not sent for sure', async () => {
  const origin = await serve(() => {})
  await new Promise((resolve) => server?.close(resolve))
  const seen = await send(origin)
  expect(seen.events).toEqual(['error'])
  expect(seen.error).toMatchObject({ code: 'ECONNREFUSED' })
})

it('reports a connection that ends after the request was sent', async () => {
  const origin = await serve((req) => req.socket.destroy())
  const seen = await send(origin)
  expect(seen.events).toEqual(['start', 'error'])
  expect(seen.error).toMatchObject({ code: 'ECONNRESET' })
})

it('reports a response that is cut off', async () => {
  const origin = await serve((req, res) => {
    res.writeHead(200, { 'content-length': 100 })
    res.write('part', () => req.socket.destroy())
  })
  const seen = await send(origin)
  expect(seen.events.slice(0, 2)).toEqual(['start', 'response'])
  expect(seen.events.at(-1)).toBe('error')
  expect(seen.events).not.toContain('end')
})

it('ends an aborted request with the reason', async () => {
  const origin = await serve(() => {})
  const reason = new Error('too slow')
  const seen = await send(origin, {}, (event, controller) => {
    if (event === 'start') setTimeout(() => controller.abort(reason), 5)
  })
  expect(seen.error).toBe(reason)
})

it('destroy() closes the connections that it keeps', async () => {
  const origin = await serve((_req, res) => void res.end('ok'))
  await send(origin)
  const count = () =>
    new Promise<number>((resolve) => server?.getConnections((_error, connections) => resolve(connections)))
  expect(await count()).toBe(1)
  await dispatcher?.destroy()
  for (let i = 0; i < 100 && (await count()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await count()).toBe(0)
})
