import { AsyncLocalStorage } from 'node:async_hooks'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context } from 'koa'
import { expect, it, vi } from 'vitest'
import { watchStores } from '../../packages/koa/src/watch-stores.ts'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const user = new AsyncLocalStorage<string>()

it('identify runs in the store that was entered before the path was read or the body set', async () => {
  const { meter, calls } = recordingMeter()
  const identify = () => ({ userId: user.getStore() ?? 'lost' })
  const app = new Koa()
  app.use(pxUsage({ meter, identify }))
  app.use((ctx, next) => user.run(ctx.query.user as string, next))
  app.use((ctx) => {
    if (ctx.path === '/read') ctx.res.end()
    else ctx.body = 'ok'
  })
  const server = await startServer(app.callback())
  await send(server.url, { path: '/read?user=ann' })
  await send(server.url, { path: '/body?user=bob' })
  await vi.waitUntil(() => calls.length === 2)
  await server.close()
  expect(calls.map(({ identity }) => identity)).toEqual([{ userId: 'ann' }, { userId: 'bob' }])
})

it('accessors that the app put on its requests stay', () => {
  const app = new Koa()
  const descriptor = { get: () => '/mine', configurable: true }
  Object.defineProperty(app.request, 'path', descriptor)
  watchStores({ app } as Context)
  expect(Object.getOwnPropertyDescriptor(app.request, 'path')?.get).toBe(descriptor.get)
  expect(Object.hasOwn(app.response, 'body')).toBe(true)
})

it('a request reads and changes its path as without px-usage', () => {
  const app = new Koa()
  watchStores({ app } as Context)
  const request = Object.assign(Object.create(app.request), { req: { url: '/a?b=1' } })
  expect(request.path).toBe('/a')
  request.path = '/c'
  expect(request.req.url).toBe('/c?b=1')
})
