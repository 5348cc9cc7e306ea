import 'reflect-metadata'
import {
  Controller,
  Get,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  Param,
  RequestMethod,
  Sse,
  StreamableFile,
  VersioningType,
} from '@nestjs/common'
import { APP_GUARD, NestFactory, RouterModule } from '@nestjs/core'
import type { Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import { createApp } from 'example-nest/app.ts'
import { of } from 'rxjs'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { recordingMeter } from '../support/recording-meter.ts'

const framework = inject('framework')
const { meter: recording, calls } = recordingMeter()
const close = vi.fn()
const meter = Object.assign(recording, { close }) as unknown as Meter
let running: INestApplication | undefined

afterEach(async () => {
  calls.length = 0
  await running?.close()
})

/** Starts the app, sends the requests one after the other, and returns what was recorded of each. */
async function record(app: INestApplication, requests: readonly string[], headers = {}): Promise<string[]> {
  running = app
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  for (const [at, text] of requests.entries()) {
    const [method = '', path = ''] = text.split(' ')
    const response = await fetch(url + path, { method, headers: { connection: 'close', ...headers } })
    await response.text()
    await vi.waitFor(() => expect(calls).toHaveLength(at + 1), { interval: 1 })
  }
  return calls.map(({ method, route, statusCode }) => `${statusCode} ${method} ${route}`)
}

const userIds = () => calls.map(({ identity }) => (identity as { userId: string } | undefined)?.userId)
const withKey = { 'x-api-key': 'key of ann' }
const quiet = { logger: false } as const

describe(`the example with ${framework}`, () => {
  it('has endpoints with the global prefix and the version of the URI', async () => {
    const { app } = await createApp({ meter, ignore: [] })
    const requests = ['GET /api/v1/orders/7', 'POST /api/v2/orders', 'GET /api/health']
    expect(await record(app, requests, withKey)).toEqual([
      '200 GET /api/v1/orders/:id',
      '201 POST /api/v2/orders',
      '200 GET /api/health',
    ])
    expect(userIds()).toEqual(['ann', 'ann', undefined])
  })

  it('counts a call that the guard refuses with 401, as anonymous', async () => {
    const { app } = await createApp({ meter })
    expect(await record(app, ['GET /api/v1/orders/7'])).toEqual(['401 GET /api/v1/orders/:id'])
    expect(userIds()).toEqual([undefined])
  })

  it('has no endpoint for paths that no controller serves', async () => {
    const { app } = await createApp({ meter })
    // From version 12 on, Nest serves unknown paths below a global prefix by a route of its own.
    const ofPrefix = framework === 'Nest 12' ? '/api*path' : undefined
    expect(await record(app, ['GET /api/v3/orders/7', 'GET /orders/7'])).toEqual([
      `404 GET ${ofPrefix}`,
      '404 GET undefined',
    ])
  })

  it('closes the meter when the app closes', async () => {
    const { app } = await createApp({ meter })
    await app.init()
    close.mockClear()
    await app.close()
    expect(close).toHaveBeenCalledOnce()
  })
})

describe(`an app of ${framework}`, () => {
  const usage = () => pxUsage({ meter, identify: (req) => ({ userId: req.get('x-user') ?? '' }) })

  it('has one endpoint for all versions in a header', async () => {
    @Controller({ path: 'orders', version: '1' })
    class First {
      @Get(':id')
      order(@Param('id') id: string) {
        return { id, version: 1 }
      }
    }
    @Controller({ path: 'orders', version: '2' })
    class Second {
      @Get(':order')
      order(@Param('order') id: string) {
        return { id, version: 2 }
      }
    }
    @Module({ controllers: [First, Second] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, quiet)
    app.use(usage())
    app.enableVersioning({ type: VersioningType.HEADER, header: 'api-version' })
    expect(await record(app, ['GET /orders/7'], { 'api-version': '1' })).toEqual(['200 GET /orders/:id'])
    calls.length = 0
    const url = await app.getUrl()
    const response = await fetch(`${url}/orders/7`, { headers: { 'api-version': '2' } })
    expect(await response.json()).toEqual({ id: '7', version: 2 })
    await vi.waitFor(() => expect(calls).toMatchObject([{ route: '/orders/:order' }]))
  })

  it('counts calls where a module applies the middleware, also refused ones', async () => {
    @Controller('orders/:order/items')
    class Items {
      @Get(':item')
      item(@Param('item') item: string) {
        return { item }
      }
    }
    @Module({
      controllers: [Items],
      providers: [{ provide: APP_GUARD, useValue: { canActivate: () => allowed } }],
    })
    class ShopModule {}
    @Module({ imports: [ShopModule, RouterModule.register([{ path: 'shops/:shop', module: ShopModule }])] })
    class AppModule {
      configure(consumer: MiddlewareConsumer) {
        const path = framework === 'Nest 10' ? '*' : '*path'
        consumer.apply(usage()).forRoutes({ path, method: RequestMethod.ALL })
      }
    }
    let allowed = true
    const app = await NestFactory.create(AppModule, quiet)
    const requests = ['GET /shops/3/orders/7/items/1', 'GET /shops/3/orders/7/items']
    expect(await record(app, requests)).toEqual([
      '200 GET /shops/:shop/orders/:order/items/:item',
      '404 GET undefined',
    ])
    allowed = false
    await fetch(`${await app.getUrl()}/shops/3/orders/7/items/1`)
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    expect(calls[2]).toMatchObject({ route: '/shops/:shop/orders/:order/items/:item', statusCode: 403 })
  })

  it('counts files, event streams and errors under their endpoints', async () => {
    @Controller({ path: 'reports', host: '127.0.0.1' })
    class Reports {
      @Get(':year/file')
      file() {
        return new StreamableFile(Buffer.alloc(100_000))
      }
      @Sse(':year/changes')
      changes() {
        return of({ data: 'changed' })
      }
      @Get(':year')
      async report() {
        throw new Error('This endpoint always fails.')
      }
    }
    @Module({ controllers: [Reports] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, quiet)
    app.use(usage())
    app.setGlobalPrefix('api', { exclude: [{ path: 'reports/:year/file', method: RequestMethod.GET }] })
    const requests = ['GET /reports/2026/file', 'GET /api/reports/2026/changes', 'GET /api/reports/2026']
    expect(await record(app, requests)).toEqual([
      '200 GET /reports/:year/file',
      '200 GET /api/reports/:year/changes',
      '500 GET /api/reports/:year',
    ])
    expect(calls.map(({ aborted }) => aborted)).toEqual([false, false, false])
  })
})
