import { pxUsage } from '@px-usage/express'
import express, { type RequestHandler } from 'express'
import { describe } from 'vitest'
import { confusable, interleavedContract } from '../contracts/interleaved-contract.ts'
import { alias, describeNames, ok, pass, respond, routerWith } from '../support/express-cases.ts'

describeNames('a call by its route', [
  {
    name: 'a plain route, a route with a parameter, the root',
    build: (app) => void app.get('/', ok).get('/health', ok).get('/users/:id', ok),
    expected: {
      '/': '/',
      '/health': '/health',
      '/users/42': '/users/:id',
      '/users/42?x=/health': '/users/:id',
    },
  },
  {
    name: 'a path that no route has',
    build: (app) => void app.get('/a', ok),
    expected: { '/nothing': undefined },
  },
  {
    name: 'app.route() and app.all()',
    build(app) {
      app.route('/thing/:id').get(ok).post(ok).all(ok)
      app.all('/any/:x', ok)
    },
    expected: {
      '/thing/1': '/thing/:id',
      'POST /thing/1': '/thing/:id',
      'DELETE /any/1': '/any/:x',
      'PATCH /thing/1': '/thing/:id',
    },
  },
  {
    name: 'HEAD, to which the GET route responds',
    build: (app) => void app.use('/v1/:v', routerWith('/x')),
    expected: { 'HEAD /v1/1/x': '/v1/:v/x' },
  },
  {
    name: 'HEAD, OPTIONS, all(), and a method that has no route',
    build: (app) => {
      app.head('/head/:h', ok).get('/head/:g', ok).post('/post/:p', ok)
      app.route('/r/:r').all(pass).put(ok)
      app.options('/o/:o', ok).get('/auto/:a', ok)
    },
    expected: {
      'HEAD /head/1': '/head/:h',
      'GET /head/1': '/head/:g',
      'GET /post/1': undefined,
      'HEAD /post/1': undefined,
      'DELETE /post/1': undefined,
      'PUT /r/1': '/r/:r',
      'GET /r/1': undefined,
      'OPTIONS /o/1': '/o/:o',
      'OPTIONS /auto/1': undefined,
    },
  },
  {
    name: 'HEAD on a route of another method, with a 404 handler',
    build: (app) => {
      app.post('/post/:p', ok).use(respond(404))
    },
    expected: { 'HEAD /post/1': undefined },
  },
])

describe(`${alias} names interleaved calls`, () => {
  interleavedContract((meter, respond) => {
    const app = express()
    app.use(pxUsage({ meter, identify: (req) => ({ userId: req.get('x-id') as string }) }))
    const answer =
      (template: string): RequestHandler =>
      async (_req, res) =>
        void res.send(await respond(template))
    for (const mount of confusable.mounts) {
      const router = express.Router({ mergeParams: mount.length % 2 === 0 })
      for (const route of confusable.routes)
        router.get(route, answer(route === '/' ? mount : `${mount}${route}`))
      app.use(mount, router)
    }
    app.use(async (_req, res) => void res.send(await respond('(none)')))
    return app
  })
})
