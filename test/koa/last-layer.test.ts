import Router from '@koa/router'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Next } from 'koa'
import { expect, it, onTestFinished, vi } from 'vitest'
import { isNamedByLayer } from '../../packages/koa/src/last-layer.ts'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

async function start(build: (app: Koa) => void) {
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.silent = true
  app.use(pxUsage({ meter, identify: () => null, ignore: [] }))
  /** Whether each request was watched after it had reached its layer. */
  const watched: boolean[] = []
  app.use(async (ctx, next) => {
    await next()
    watched.push(Object.getOwnPropertyDescriptor(ctx, 'captures')?.set !== undefined)
  })
  build(app)
  const server = await startServer(app.callback())
  onTestFinished(() => server.close())
  const get = async (path: string) => {
    const before = calls.length
    await send(server.url, { path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    return calls[before]?.route
  }
  return { get, watched }
}

const ends = (ctx: Context) => {
  ctx.body = 'ok'
}
const passes = (_ctx: Context, next: Next) => next()

it('a request to a known layer without next is not watched any more, and is named by it', async () => {
  const router = new Router().get('/users/:id', passes, ends).post('/users/:id', ends)
  const { get, watched } = await start((app) => app.use(router.routes()))
  expect([await get('/users/1'), await get('/users/2')]).toEqual(['/users/:id', '/users/:id'])
  expect(watched).toEqual([true, false])
})

it.each<[string, (router: Router) => Router]>([
  ['its handler gets next', (router) => router.get('/:any', ends, passes)],
  ['another route of the path may follow', (router) => router.get('/:any', ends).get('/:other', ends)],
  ['a middleware of the router runs before', (router) => router.use(passes).get('/:any', ends)],
])('a request is watched every time if %s', async (_why, build) => {
  const { get, watched } = await start((app) => app.use(build(new Router()).routes()))
  for (let time = 0; time < 3; time++) expect(await get('/x')).toBe('/:any')
  expect(watched).toEqual([true, true, true])
})

it('a layer that gets a further handler is watched again', async () => {
  const router = new Router().get('/x', ends).get('/y', passes)
  const { get, watched } = await start((app) => app.use(router.routes()))
  await get('/x')
  await get('/x')
  router.stack[0]?.stack.push(passes)
  await get('/x')
  expect(watched).toEqual([true, false, true])
})

it('a layer whose path or handler is exchanged has its new name, and is watched again', async () => {
  const router = new Router().get('/x', ends).get('/y', ends)
  const { get, watched } = await start((app) => app.use(router.routes()))
  for (const path of ['/x', '/x', '/y', '/y']) await get(path)
  router.prefix('/v2')
  expect([await get('/v2/x'), await get('/v2/x')]).toEqual(['/v2/x', '/v2/x'])
  const [, layer] = router.stack
  layer?.stack.splice(0, 1, passes)
  await get('/v2/y')
  expect(watched).toEqual([true, false, true, false, true, false, true])
})

it('entries of `matched` that are no layers name no request', () => {
  for (const entry of [null, undefined, {}, 1])
    expect(isNamedByLayer({ req: {}, matched: [entry], method: 'GET' } as never)).toBe(false)
})

it('a router that runs after the response names no call, and changes no name of others', async () => {
  const late = new Router().get('/:any', ends)
  const router = new Router().get('/users', ends).get('/other', ends)
  const { get } = await start((app) => {
    app.use(async (ctx, next) => {
      await next()
      if (ctx.query.late !== undefined) await late.routes()(ctx as never, async () => {})
    })
    app.use(router.routes())
  })
  for (const path of ['/users', '/users', '/users?late', '/users', '/other', '/other?late', '/other'])
    expect(await get(path)).toBe(path.replace('?late', ''))
})
