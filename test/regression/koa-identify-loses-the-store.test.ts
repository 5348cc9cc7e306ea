import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openConnection, requestText, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const asUser = (name: string, path: string) => requestText('GET', path, { 'X-User': name })

it('identify sees a storage that is entered behind it, in an app without a router', async () => {
  const storage = new AsyncLocalStorage<string>()
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.use(pxUsage({ meter, identify: () => ({ userId: storage.getStore() ?? 'none' }) }))
  app.use((ctx, next) => storage.run(ctx.get('x-user'), next))
  app.use(async (ctx) => {
    if (ctx.path === '/never') ctx.respond = false
    else {
      await new Promise((resolve) => setTimeout(resolve, ctx.path === '/slow' ? 20 : 1))
      ctx.body = 'hello'
    }
  })
  const server = await startServer(app.callback())
  onTestFinished(() => server.close())
  const client = openConnection(server.port)
  client.write(asUser('p1', '/slow') + asUser('p2', '/fast') + asUser('p3', '/fast'))
  await client.until((text) => text.split('hello').length === 4)
  const arrived = once(server.server, 'request')
  client.write(asUser('gone', '/never'))
  await arrived
  client.socket.destroy()
  await vi.waitFor(() => expect(calls).toHaveLength(4))
  expect(calls.map(({ identity }) => identity)).toEqual(
    ['p1', 'p2', 'p3', 'gone'].map((userId) => ({ userId })),
  )
})

it('accessors of the app keep what they did: a path that is set, a body that is read', async () => {
  const { meter } = recordingMeter()
  const seen: unknown[] = []
  const app = new Koa()
  app.use(pxUsage({ meter, identify: () => null }))
  app.use((ctx) => {
    ctx.path = '/moved'
    ctx.body = { id: 7 }
    seen.push(ctx.path, ctx.request.path, ctx.url, ctx.body, ctx.response.body, ctx.type)
    seen.push(Object.keys(app.request), Object.keys(app.response))
  })
  const server = await startServer(app.callback())
  onTestFinished(() => server.close())
  const client = openConnection(server.port)
  client.write(requestText('GET', '/first?x=1', { Connection: 'close' }))
  expect(await client.end()).toContain('{"id":7}')
  expect(seen).toEqual(['/moved', '/moved', '/moved?x=1', { id: 7 }, { id: 7 }, 'application/json', [], []])
})
