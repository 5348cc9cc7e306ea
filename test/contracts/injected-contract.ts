import { EventEmitter } from 'node:events'
import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import serverlessExpress from '@codegenie/serverless-express'
import type { Meter } from '@px-usage/core'
import { inject } from 'light-my-request'
import { createMocks } from 'node-mocks-http'
import serverless from 'serverless-http'
import { expect, it, vi } from 'vitest'
import { recordingMeter } from '../support/recording-meter.ts'

type Inject = (app: RequestListener, path: string) => unknown

type Serverless = (options: { app: RequestListener }) => (...event: unknown[]) => unknown
const createServerless = ((serverlessExpress as { default?: unknown }).default ??
  serverlessExpress) as Serverless

const eventOf = (path: string) => ({
  version: '2.0',
  rawPath: path,
  rawQueryString: '',
  headers: { host: 'localhost' },
  requestContext: { http: { method: 'GET', path, sourceIp: '127.0.0.1' } },
  isBase64Encoded: false,
})

/** A response without a connection; on what it is written is of no interest. */
function byHand(app: RequestListener, path: string, socket: Socket | undefined): Promise<unknown> {
  const req = new IncomingMessage(socket as Socket)
  Object.assign(req, { method: 'GET', url: path })
  const res = new ServerResponse(req)
  res.assignSocket(new Writable({ write: (_data, _encoding, done) => done() }) as Socket)
  app(req, res)
  return new Promise((resolve) => res.on('finish', resolve))
}

const kits: Record<string, Inject> = {
  'serverless-http': (app, path) => serverless(app as never)(eventOf(path) as never, {} as never),
  'serverless-express': (app, path) => createServerless({ app })(eventOf(path), {}, () => {}),
  'node-mocks-http': (app, path) => {
    const { req, res } = createMocks({ method: 'GET', url: path })
    return app(req as never, res as never)
  },
  'node-mocks-http with events': (app, path) => {
    const { req, res } = createMocks({ method: 'GET', url: path }, { eventEmitter: EventEmitter })
    return app(req as never, res as never)
  },
  'a request without a connection': (app, path) => byHand(app, path, undefined),
  'a connection that is not open': (app, path) => byHand(app, path, new Socket()),
}
const closed = new Socket()
closed.destroy()
kits['a connection of another request, closed since'] = (app, path) => byHand(app, path, closed)

// The last one, as it changes the prototypes of Express.
kits['light-my-request'] = (app, path) => inject(app, { method: 'GET', url: path })

/**
 * Requests that a kit injects without a connection. In a test file of its own: light-my-request changes the prototypes of Express.
 *
 * @param createApp an app with `GET /users/:id`, `GET /fails` (500), and `GET /destroyed`, which destroys its response
 */
export function injectedContract(createApp: (meter: Meter) => RequestListener): void {
  it.each(Object.entries(kits))('%s counts a call with a response as finished', async (_kit, ask) => {
    const { meter, calls } = recordingMeter()
    const app = createApp(meter)
    for (const path of ['/users/7', '/no/such/path', '/fails']) await ask(app, path)
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    const seen = calls.map(({ route, statusCode, aborted }) => ({ route, statusCode, aborted }))
    expect(seen.sort((a, b) => a.statusCode - b.statusCode)).toEqual([
      { route: '/users/:id', statusCode: 200, aborted: false },
      { route: undefined, statusCode: 404, aborted: false },
      { route: '/fails', statusCode: 500, aborted: false },
    ])
  })

  it('a response that is destroyed without an end counts as aborted', async () => {
    const { meter, calls } = recordingMeter()
    inject(createApp(meter), { method: 'GET', url: '/destroyed' }, () => {})
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(calls).toMatchObject([{ route: '/destroyed', statusCode: 0, aborted: true }])
  })
}
