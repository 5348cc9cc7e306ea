import express, { type Express, type RequestHandler } from 'express'
import { expect, it } from 'vitest'
import {
  describeNames,
  newRouter,
  observedApp,
  ok,
  respond,
  rewrite,
  routerWith,
} from '../support/express-cases.ts'
import { send, startServer } from '../support/http-client.ts'

describeNames('requests that functions and rewrites lead to a route', [
  {
    name: 'a router that the app calls from a function of its own',
    build(app) {
      const router = routerWith('/items/:id')
      app.use('/v1/:tenant', (req, res, next) => router(req, res, next))
      app.use('/v2/:tenant', (_req, _res, next) => next())
    },
    expected: { '/v1/7/items/8': '/v1/:tenant/items/:id' },
  },
  {
    name: 'a router that is created for each request',
    build: (app) => void app.use('/v1/:t', (req, res, next) => routerWith('/items/:id')(req, res, next)),
    expected: { '/v1/7/items/8': '/v1/:t/items/:id', '/v1/8/items/9': '/v1/:t/items/:id' },
  },
  {
    name: 'an app that a function of the app calls',
    build(app) {
      const inner = express().use('/v1/:t', routerWith('/items/:id')).get('/', ok)
      const other = express().use('/v2/:t', routerWith('/items/:id'))
      app.use((req, res, next) => (req.url.startsWith('/other') ? next() : inner(req, res, next)))
      app.use('/other/:o', (req, res, next) => other(req, res, next))
    },
    expected: {
      '/v1/1/items/2': '/v1/:t/items/:id',
      '/': '/',
      '/other/1/v2/2/items/3': '/other/:o/v2/:t/items/:id',
      '/v1/v2/items/v1': '/v1/:t/items/:id',
    },
  },
  {
    name: 'a URL that a middleware rewrote, under a mount with a parameter',
    build(app) {
      const router = routerWith('/things/:id')
      app.use((req, _res, next) => {
        req.url = req.url.replace('/legacy', '/v1')
        next()
      })
      app.use('/v1/:t', router).use('/v2/:t', router).use('/legacy/:no', router)
    },
    expected: {
      '/legacy/1/things/2': '/v1/:t/things/:id',
      '/v2/1/things/2?x=/v1/1/things/1': '/v2/:t/things/:id',
    },
  },
  {
    name: 'a URL that a middleware rewrote',
    build(app) {
      app.use((req, _res, next) => {
        req.url = req.url.replace('/legacy', '/v1')
        next()
      })
      app.get('/v1/things/:id', ok)
    },
    expected: { '/legacy/things/1': '/v1/things/:id' },
  },
  {
    name: 'a URL rewritten inside of a router, of an app, and to another mount',
    build: (app) => {
      app.use('/r/:r', newRouter().use(rewrite('/old', '/new')).get('/new/:n', ok))
      app.use('/a/:a', express().use(rewrite('/old', '/new')).get('/new/:n', ok))
      const shared = routerWith('/s/:s')
      app
        .use(rewrite(/^\/short\/(\w+)/, '/long/of/$1'))
        .use('/long/of/:l', shared)
        .use('/:x/of/:y', shared)
    },
    expected: {
      '/r/1/old/2': '/r/:r/new/:n',
      '/a/1/old/2': '/a/:a/new/:n',
      '/short/1/s/2': '/long/of/:l/s/:s',
      '/other/of/1/s/2': '/:x/of/:y/s/:s',
    },
  },
  {
    name: 'a URL that the handler of the route changes',
    build: (app) => {
      const shared = newRouter().get('/s/:s', (req, res) => {
        req.url = '/changed'
        res.json({})
      })
      app.use('/a/:a', shared).use('/b/:b', shared)
    },
    expected: { '/a/1/s/2': '/a/:a/s/:s', '/b/1/s/2': '/b/:b/s/:s' },
  },
  {
    name: 'a path with a query that looks like a path',
    build: (app) => {
      const shared = routerWith('/s/:s')
      app.use('/a/:a', shared).use('/b/:b', shared)
    },
    expected: { '/b/1/s/2?next=/a/1/s/2': '/b/:b/s/:s', '/a/1/s/2?': '/a/:a/s/:s', '/b/?/s/1': undefined },
  },
  {
    name: 'routers and apps behind functions',
    build: (app) => {
      const one = routerWith('/x/:x')
      const two = routerWith('/x/:x')
      const inner = express().use('/i/:i', routerWith('/x/:x'))
      app.use('/f/:f', (req, res, next) => one(req, res, next))
      app.use('/h/:h', (req, res, next) =>
        (two as unknown as { handle: RequestHandler }).handle(req, res, next),
      )
      app.use('/a/:a', (req, res, next) => inner(req, res, next))
      app.get('/g/:g', (req, res, next) => one(req, res, next))
    },
    expected: {
      '/f/1/x/2': '/f/:f/x/:x',
      '/h/1/x/2': '/h/:h/x/:x',
      '/a/1/i/2/x/3': '/a/:a/i/:i/x/:x',
    },
  },
  {
    name: 'apps that are chosen by host, with the same paths',
    build: (app) => {
      const hosts: Record<string, Express> = {
        a: express().get('/v/:a', ok).use('/r/:ra', routerWith('/x')),
        b: express().get('/:b/1', ok).use('/:rb/:rc', routerWith('/x')),
      }
      app.use((req, res, next) => hosts[String(req.query.host)]?.(req, res, next) ?? next())
    },
    expected: {
      '/v/1?host=a': '/v/:a',
      '/v/1?host=b': '/:b/1',
      '/r/1/x?host=a': '/r/:ra/x',
      '/r/1/x?host=b': '/:rb/:rc/x',
    },
  },
])

it('objects that inherit from a request have params of their own', async () => {
  const { app, calls } = observedApp()
  const inner = routerWith('/inner/:id', (req, res) => void res.json(req.params))
  app.get('/outer/:id', (req, res, next) => {
    const own = Object.assign(Object.create(req), { url: '/inner/own' })
    inner(own, { ...res, json: () => res.json([req.params, own.params]) } as never, next)
  })
  // Only behind routes a handler makes a request watched.
  app.use(respond(404))
  const server = await startServer(app)
  const { body } = await send(`${server.url}/outer/1`)
  await server.close()
  expect(JSON.parse(body)).toEqual([{ id: '1' }, { id: 'own' }])
  expect(calls.map(({ route }) => route)).toEqual(['/outer/:id'])
})
