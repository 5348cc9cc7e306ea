import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type ClientHttp2Session, connect, constants, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { FinishedCall } from '@px-usage/core'
import { expect, it, onTestFinished, vi } from 'vitest'
import { recordingMeter } from '../../support/recording-meter.ts'
import type { AdapterHarness } from '../adapter-contract.ts'

interface Http2Options {
  around?: (app: RequestListener) => RequestListener
  identify?: () => unknown
}

async function http2App(
  { createApp }: AdapterHarness,
  handler?: RequestListener,
  { around = (app) => app, identify = () => ({ userId: 'ann' }) }: Http2Options = {},
): Promise<{ client: ClientHttp2Session; calls: FinishedCall[]; arrived(): Promise<unknown> }> {
  const { meter, calls } = recordingMeter()
  const server = createServer(around(createApp({ meter, identify }, handler)) as never)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', () => {})
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return { client, calls, arrived: () => once(server, 'stream') }
}

function get(client: ClientHttp2Session, path: string): Promise<string> {
  const stream = client.request({ ':path': path })
  let body = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    body += text
  })
  return once(stream, 'close').then(() => body)
}

export function http2Calls(harness: AdapterHarness): void {
  it('counts each of several streams of a session', async () => {
    const { client, calls } = await http2App(harness)
    const paths = ['/users/1', '/orders/2', '/stream', '/no/such/path', '/fails']
    const bodies = await Promise.all(paths.map((path) => get(client, path)))
    expect(bodies[0]).toBe('{"id":"1"}')
    expect(bodies[2]).toHaveLength(100_000)
    await vi.waitFor(() => expect(calls).toHaveLength(5))
    const seen = calls.map(({ route, statusCode, aborted }) => `${route} ${statusCode} ${aborted}`)
    expect(seen.sort()).toEqual([
      '/fails 500 false',
      '/orders/:id 200 false',
      '/stream 200 false',
      '/users/:id 200 false',
      'undefined 404 false',
    ])
  })

  it('counts a stream that the client resets before the headers, without a status', async () => {
    const { client, calls, arrived } = await http2App(harness)
    const stream = client.request({ ':path': '/slow' }).on('error', () => {})
    await arrived()
    stream.close(constants.NGHTTP2_CANCEL)
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    await get(client, '/users/7')
    await vi.waitFor(() => expect(calls).toHaveLength(2))
    expect(calls).toMatchObject([
      { route: '/slow', statusCode: 0, aborted: true },
      { route: '/users/:id', statusCode: 200, aborted: false },
    ])
  })

  it('counts a stream that the client resets during the body', async () => {
    const { client, calls } = await http2App(harness, (_req, res) => void res.writeHead(206).write('some'))
    const stream = client.request({ ':path': '/raw' }).on('error', () => {})
    await once(stream, 'data')
    stream.close(constants.NGHTTP2_CANCEL)
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(calls).toMatchObject([{ route: '/raw', statusCode: 206, aborted: true }])
  })

  it('counts the open streams of a session that is destroyed', async () => {
    const { client, calls, arrived } = await http2App(harness, (_req, res) => void res.write('some'))
    client.request({ ':path': '/slow' }).on('error', () => {})
    await arrived()
    await once(
      client.request({ ':path': '/raw' }).on('error', () => {}),
      'data',
    )
    client.destroy()
    await vi.waitFor(() => expect(calls).toHaveLength(2))
    expect(calls.map(({ route, aborted }) => `${route} ${aborted}`).sort()).toEqual([
      '/raw true',
      '/slow true',
    ])
  })

  it('counts a stream that the app resets', async () => {
    const { client, calls } = await http2App(harness, (_req, res) => {
      const { stream } = res as unknown as { stream: ServerHttp2Stream }
      stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    })
    client.request({ ':path': '/raw' }).on('error', () => {})
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(calls).toMatchObject([{ route: '/raw', aborted: true }])
  })

  it('identify sees the store of each stream, also of one that is reset', async () => {
    const storage = new AsyncLocalStorage<string>()
    const { client, calls, arrived } = await http2App(harness, undefined, {
      around: (app) => (req, res) => storage.run(String(req.headers['x-user']), () => app(req, res)),
      identify: () => ({ userId: storage.getStore() ?? 'none' }),
    })
    const reset = client.request({ ':path': '/slow', 'x-user': 'gone' }).on('error', () => {})
    await arrived()
    for (const name of ['ann', 'bob']) {
      const stream = client.request({ ':path': '/users/7', 'x-user': name }).resume()
      await once(stream, 'close')
    }
    reset.close(constants.NGHTTP2_CANCEL)
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    expect(calls.map(({ identity }) => identity)).toEqual(
      ['ann', 'bob', 'gone'].map((userId) => ({ userId })),
    )
  })
}
