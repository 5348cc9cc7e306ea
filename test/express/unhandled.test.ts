import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import {
  describeNames,
  fail,
  fail404,
  is4,
  leaveRouter,
  newRouter,
  ok,
  pass,
  passError,
  passLater,
  passToNextRoute,
  respond,
  respondToError,
  routerWith,
} from '../support/express-cases.ts'

describeNames('the route that responded', [
  {
    name: 'a handler of router.use() that responds, which is no route',
    build(app) {
      const guarded = express.Router()
      guarded.use((_req, res) => void res.status(401).json({}))
      guarded.get('/:id', ok)
      app.use('/guarded/:g', guarded)
    },
    expected: { '/guarded/1/2': undefined },
  },
  {
    name: "the route that responds after next('route')",
    build: (app) => void app.get('/a/:first', (_req, _res, next) => next('route')).get('/a/:second', ok),
    expected: { '/a/1': '/a/:second' },
  },
  {
    name: "next('router'), and routes that pass on without a response",
    build(app) {
      app.use(
        '/left/:x',
        routerWith('/y', (_req, _res, next) => next('router')),
      )
      app.get('/passed/:x', (_req, _res, next) => next())
      app.use(
        '/taken/:x',
        routerWith('/y', (_req, _res, next) => next('router')),
      )
      app.get('/taken/:x/y', ok)
    },
    expected: { '/left/1/y': undefined, '/passed/1': undefined, '/taken/1/y': '/taken/:x/y' },
  },
  {
    name: 'the route that failed, wherever its error is handled',
    build(app) {
      app.use('/a/:a', routerWith('/b/:b', fail))
      app.use('/own/:o', express.Router().use('/in/:i', routerWith('/fail', fail)).use(respondToError))
      app.get('/later/:id', (_req, _res, next) => void setTimeout(() => next(new Error('late')), 1))
      app.use(respondToError)
    },
    expected: {
      '/a/1/b/2': '/a/:a/b/:b',
      '/own/1/in/2/fail': '/own/:o/in/:i/fail',
      '/later/1': '/later/:id',
    },
  },
  {
    name: 'the route that failed, when the handler of Express responds',
    build: (app) =>
      void app.use(
        '/a/:a',
        routerWith('/b/:b', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 409 }))),
      ),
    expected: { '/a/1/b/2': '/a/:a/b/:b' },
  },
  {
    name: 'the first error of a mounted app that the outer app handles',
    build(app) {
      app.use('/a/:a', express().get('/b/:b', fail)).use(respondToError)
    },
    expected: { '/a/1/b/2': '/a/:a/b/:b' },
  },
  {
    name: 'the first error in a router of a mounted app that the outer app handles',
    build(app) {
      app.use('/a/:a', express().use('/r/:r', routerWith('/b/:b', fail))).use(respondToError)
    },
    expected: { '/a/1/r/3/b/2': '/a/:a/r/:r/b/:b' },
  },
  {
    name: 'a 404 and a 403 of the route itself',
    build(app) {
      app.use(
        '/a/:a',
        routerWith('/b/:b', (_req, res) => void res.status(404).json({})),
      )
      app.get('/c/:c', (_req, res) => void res.sendStatus(403))
    },
    expected: { '/a/1/b/2': '/a/:a/b/:b', '/c/1': '/c/:c' },
  },
  {
    name: 'a route that fail with the status 404, unlike an unmatched path',
    build(app) {
      const missing = Object.assign(new Error('no such thing'), { status: 404 })
      app.use(
        '/a/:a',
        routerWith('/b/:b', (_req, _res, next) => next(missing)),
      )
      const quiet = express().set('env', 'production')
      quiet.get('/q/:q', (_req, _res, next) => next(missing))
      app.use('/quiet', quiet)
      app.all('/passed/*'.replace('*', is4 ? '*' : '*rest'), (_req, _res, next) => next())
    },
    expected: {
      '/a/1/b/2': '/a/:a/b/:b',
      '/a/1/b/2?x=%20': '/a/:a/b/:b',
      'HEAD /a/1/b/2': '/a/:a/b/:b',
      '/quiet/q/1': '/quiet/q/:q',
      '/passed/a': undefined,
      '/passed/a?b=c': undefined,
      '/passed/a&b%20c': undefined,
      'HEAD /passed/a': undefined,
      'DELETE /passed/a': undefined,
    },
  },
  {
    name: 'a route whose param callback fail',
    build(app) {
      const router = routerWith('/items/:id')
      router.param('id', (_req, _res, next) => next(new Error('no such item')))
      app.use('/t/:t', router).use(respondToError)
    },
    expected: { '/t/1/items/2': '/t/:t/items/:id' },
  },
  {
    name: 'a middleware that responds at a path, which is no route',
    build: (app) => void app.use('/static/:x', (_req, res) => void res.send('file')).get('/static/:x', ok),
    expected: { '/static/1': undefined },
  },
  {
    name: 'a guard that is a route for every path',
    build: (app) => {
      app.all(is4 ? '*' : '/*all', pass)
      app.get('/a/:a', ok).use('/m/:m', routerWith('/x'))
    },
    expected: { '/a/1': '/a/:a', '/m/1/x': '/m/:m/x', '/nothing': undefined },
  },
  {
    name: 'no route when one passes on to the 404 handler of the app',
    build: (app) => {
      app.all(is4 ? '/guard/*' : '/guard/*all', pass)
      app.get('/passed/:x', passLater).get('/left/:x', passToNextRoute).get('/fixed', pass)
      app.use('/r/:r', routerWith('/x', leaveRouter))
      app.use(respond(404)).use(respondToError)
    },
    expected: {
      '/passed/1': undefined,
      '/left/1': undefined,
      '/fixed': undefined,
      '/r/1/x': undefined,
      '/guard/1': undefined,
      '/nothing': undefined,
    },
  },
  {
    name: 'no route when one passes on to the 404 handler of its router or mounted app',
    build: (app) => {
      app.use('/r/:r', routerWith('/x/:x', pass).use(respond(404)))
      app.use('/a/:a', express().get('/x/:x', pass).use(respond(404))).use(respondToError)
    },
    expected: { '/r/1/x/2': undefined, '/a/1/x/2': undefined },
  },
  {
    name: 'a route that responds or fail with 404, beside a 404 handler',
    build: (app) => {
      app.get('/own/:x', respond(404)).get('/fails/:x', fail404).get('/fixed', fail404)
      app.use('/r/:r', routerWith('/x', fail404).get('/y', respond(404)))
      app.use('/a/:a', express().get('/x', fail404).get('/y', respond(404)))
      app.use(respond(404)).use(passError).use(respondToError)
    },
    expected: {
      '/own/1': '/own/:x',
      '/fails/1': '/fails/:x',
      '/fixed': '/fixed',
      '/r/1/x': '/r/:r/x',
      '/r/1/y': '/r/:r/y',
      '/a/1/x': '/a/:a/x',
      '/a/1/y': '/a/:a/y',
    },
  },
  {
    name: 'a route with merged params that responds with 404, beside a 404 handler',
    build: (app) => {
      const merging = express.Router({ mergeParams: true })
      merging.get('/', respond(404)).get('/x', respond(404)).get('/y/:y', respond(404)).get('/passed', pass)
      app.use('/m/:m', merging).get('/fixed', respond(404)).use(respond(404))
    },
    expected: {
      '/m/1': '/m/:m',
      '/m/1/x': '/m/:m/x',
      '/m/1/y/2': '/m/:m/y/:y',
      '/m/1/passed': undefined,
      '/fixed': '/fixed',
    },
  },
  {
    name: 'a route with merged params, added later, that responds with 404 beside a 404 handler',
    build: (app) => {
      const growing = express.Router()
      growing.get('/grow', (_req, res) => {
        const merging = express.Router({ mergeParams: true }).get('/x', respond(404))
        res.end().on('close', () => growing.use('/m/:m', merging))
      })
      app.use('/r', growing).get('/passed', pass).use(respond(404))
    },
    expected: { '/passed': undefined, '/r/grow': '/r/grow', '/r/m/1/x': '/r/m/:m/x' },
  },
  {
    name: 'a route of an expression that responds with 404, beside a 404 handler',
    build: (app) => {
      app
        .get(/^\/own\/\d+$/, respond(404))
        .get(/^\/passed\/\d+$/, pass)
        .use(respond(404))
    },
    expected: { '/own/1': String(/^\/own\/\d+$/), '/passed/1': undefined },
  },
  {
    name: 'the route that passed on to a 404 handler which fail, as if the route had failed',
    build: (app) => {
      app.get('/passed/:x', pass).use(fail404).use(respondToError)
    },
    expected: { '/passed/1': '/passed/:x', '/nothing': undefined },
  },
  {
    name: 'a route that leaves the response to a middleware behind it',
    build: (app) => {
      app.get('/data/:x', pass).use((_req, res) => void res.json({ data: true }))
    },
    expected: { '/data/1': '/data/:x', '/other': undefined },
  },
  {
    name: 'a middleware of a router that responds, before and behind its routes',
    build: (app) => {
      const guarded = newRouter().use('/closed', respond(401)).get('/closed/:x', ok).get('/open/:x', ok)
      app.use('/g/:g', guarded.use(respond(404)))
    },
    expected: { '/g/1/closed/2': undefined, '/g/1/open/2': '/g/:g/open/:x', '/g/1/nothing': undefined },
  },
  {
    name: 'errors before any route',
    build: (app) => {
      app.use('/a/:a', newRouter().use(fail).get('/x', ok)).use('/b', fail)
      app.use(respondToError)
    },
    expected: { '/a/1/x': undefined, '/b/1': undefined },
  },
  {
    name: 'error handlers of a router, at a path, one that passes on, one that fail',
    build: (app) => {
      app.use('/r/:r', routerWith('/x', fail).use('/y', passError).use(respondToError))
      app.use('/p/:p', routerWith('/x/:x', fail)).use('/p/:q/x', respondToError)
      app.get('/both/:b', fail).use('/both', passError, (() => {
        throw new Error('the handler fails')
      }) as ErrorRequestHandler)
    },
    expected: { '/r/1/x': '/r/:r/x', '/p/1/x/2': '/p/:p/x/:x', '/both/1': '/both/:b' },
  },
  {
    name: 'an error of the second handler of a route, and one that the route handles itself',
    build: (app) => {
      app.get('/second/:x', pass, fail)
      app.route('/own/:x').get(fail, respondToError as unknown as RequestHandler)
      app.use(respondToError)
    },
    expected: { '/second/1': '/second/:x', '/own/1': '/own/:x' },
  },
  {
    name: 'a guard of the route that responds, or that passes to the next route',
    build: (app) => {
      app.get('/a/:a', respond(403), ok).get('/b/:b', passToNextRoute, ok).get('/b/:c', ok)
    },
    expected: { '/a/1': '/a/:a', '/b/1': '/b/:c' },
  },
  {
    name: "next('router') out of two routers into a third",
    build: (app) => {
      const inner = routerWith('/x/:x', leaveRouter).get('/x/:never', ok)
      const middle = newRouter().use('/m/:m', inner).get('/m/:after/x/:x', ok)
      app.use('/o/:o', middle)
    },
    expected: { '/o/1/m/2/x/3': '/o/:o/m/:after/x/:x' },
  },
  {
    name: 'files of a folder, and files that a route sends',
    build: (app) => {
      app.use('/static/:s', express.static(import.meta.dirname))
      app.get('/file/:f', (_req, res) => void res.sendFile(import.meta.filename))
      app.get('/none/:f', (_req, res) => void res.sendFile(`${import.meta.filename}.none`))
      app.get('/download/:f', (_req, res) => void res.download(import.meta.filename))
      app.get('/to/:f', (_req, res) => void res.redirect('/'))
    },
    expected: {
      '/static/1/adapter-contract.test.ts': undefined,
      '/static/1/none': undefined,
      '/file/1': '/file/:f',
      '/none/1': '/none/:f',
      '/download/1': '/download/:f',
      '/to/1': '/to/:f',
    },
  },
  {
    name: 'a param callback that passes to the next route, that responds, and that waits',
    build: (app) => {
      const r = routerWith('/:id').get('/:other', ok)
      r.param('id', (_req, res, next, id) => {
        if (id === 'skip') next('route')
        else if (id === 'answer') res.json({})
        else setTimeout(next, 1)
      })
      app.use('/p/:p', r)
    },
    expected: { '/p/1/x': '/p/:p/:id', '/p/1/skip': '/p/:p/:other', '/p/1/answer': '/p/:p/:id' },
  },
  {
    name: 'an error of an async handler',
    for: '5',
    build: (app) => {
      app
        .use(
          '/a/:a',
          routerWith('/x', async () => {
            throw new Error('rejected')
          }),
        )
        .use(respondToError)
    },
    expected: { '/a/1/x': '/a/:a/x' },
  },
])
