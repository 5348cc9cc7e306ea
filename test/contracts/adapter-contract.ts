import { once } from 'node:events'
import { type RequestListener, request } from 'node:http'
import type { FinishedCall, Meter } from '@px-usage/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type RunningServer, send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

/** What the contract asks an adapter's test to build: an app with these routes, under the middleware if there is one. */
export interface AdapterHarness {
  /** `GET /users/:id` answers `{"id":...}`; a nested router has `GET /orders/:id`; `/fails` throws; `/slow` never answers. */
  createApp(usage?: {
    meter: Meter
    identify?: (source: unknown) => unknown
    times?: number
  }): RequestListener
}

type SeenCall = Pick<FinishedCall, 'method' | 'route' | 'statusCode' | 'aborted'>

/** What every adapter does, on every framework version. */
export function adapterContract({ createApp }: AdapterHarness): void {
  let server: RunningServer | undefined

  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  async function seenCalls(paths: Array<[method: string, path: string]>, times = 1): Promise<SeenCall[]> {
    const { meter, calls } = recordingMeter()
    server = await startServer(createApp({ meter, times }))
    for (const [method, path] of paths) await send(`${server.url}${path}`, { method })
    await vi.waitFor(() => expect(calls).toHaveLength(paths.length))
    return calls.map(({ method, route, statusCode, aborted }) => ({ method, route, statusCode, aborted }))
  }

  it.each([
    ['GET', '/users/7', '/users/:id', 200],
    ['GET', '/users/7?x=1', '/users/:id', 200],
    ['HEAD', '/users/7', '/users/:id', 200],
    ['GET', '/orders/8', '/orders/:id', 200],
    ['GET', '/fails', '/fails', 500],
    ['GET', '/no/such/path', undefined, 404],
  ])('names %s %s by its route', async (method, path, route, statusCode) => {
    expect(await seenCalls([[method, path]])).toEqual([{ method, route, statusCode, aborted: false }])
  })

  it('counts once when the middleware is mounted twice', async () => {
    expect(await seenCalls([['GET', '/users/7']], 2)).toHaveLength(1)
  })

  it('counts each of twenty requests in a row', async () => {
    expect(await seenCalls(Array.from({ length: 20 }, () => ['GET', '/users/7']))).toHaveLength(20)
  })

  it('counts a call that the client gives up once, as aborted', async () => {
    const { meter, calls } = recordingMeter()
    server = await startServer(createApp({ meter }))
    const req = request(`${server.url}/slow`)
    req.on('error', () => {})
    req.end()
    await once(req, 'finish')
    // The server must have the request before the client leaves: a second request on another connection tells.
    await send(`${server.url}/users/7`)
    req.destroy()
    await vi.waitFor(() => expect(calls).toHaveLength(2))
    expect(calls.map(({ aborted }) => aborted)).toEqual([false, true])
  })

  describe('answers byte for byte as without it', () => {
    it.each(['/users/7', '/orders/8', '/fails', '/no/such/path'])('on %s', async (path) => {
      const answers = []
      for (const usage of [undefined, { meter: recordingMeter().meter }]) {
        server = await startServer(createApp(usage))
        const answer = await send(`${server.url}${path}`)
        answers.push({ ...answer, headers: { ...answer.headers, date: undefined } })
        await server.close()
      }
      expect(answers[1]).toEqual(answers[0])
    })
  })

  it('asks identify after the response, and hands a throw to the meter as an answer', async () => {
    const { meter, calls } = recordingMeter()
    const identify = () => {
      throw new Error('no session')
    }
    server = await startServer(createApp({ meter, identify }))
    expect((await send(`${server.url}/users/7`)).status).toBe(200)
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(calls[0]?.identity).toMatchObject({ error: new Error('no session') })
  })
}
