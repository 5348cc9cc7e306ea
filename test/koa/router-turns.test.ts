import type { Context, Next } from 'koa'
import { expect } from 'vitest'
import {
  catchAll,
  describeNames,
  keyed,
  load,
  mount,
  ok,
  pass,
  passLater,
  type RouterClass,
  refuse,
  respond,
  small,
  throws,
} from '../support/koa-cases.ts'

describeNames('the route that responded', [
  {
    name: 'a route that passes on to the next one',
    build: (app, Router) => {
      const router = new Router().get('/users/me', pass).get('/users/:id', ok)
      app.use(router.routes())
    },
    expected: { 'GET /users/me': '/users/:id' },
  },
  {
    name: 'a route before which another of the same path ran',
    build: (app, Router) => app.use(new Router().all('/a/:x', pass).get('/a/:y', ok).routes()),
    expected: { 'GET /a/1': '/a/:y' },
  },
  {
    name: 'several routers',
    build: (app, Router) => {
      app.use(new Router().get('/a/:x', ok).post('/c', ok).routes())
      app.use(new Router().get('/b/:y', ok).get('/c', ok).routes())
    },
    expected: { 'GET /a/1': '/a/:x', 'GET /b/1': '/b/:y', 'GET /c': '/c', 'GET /d': undefined },
  },
  {
    name: 'a router that passes on to another',
    build: (app, Router) => {
      app.use(new Router().get('/:any', pass).routes())
      app.use(new Router().get('/b', ok).routes())
    },
    expected: { 'GET /b': '/b', 'GET /a': '/:any' },
  },
  {
    name: 'methods that are not allowed, with a response 405 or 501',
    build: (app, Router) => {
      const router = new Router().get('/users', ok)
      app.use(router.routes()).use(router.allowedMethods())
    },
    expected: { 'POST /users': undefined, 'PROPFIND /users': undefined, 'GET /users': '/users' },
  },
  {
    name: 'methods that are not allowed, thrown',
    build: (app, Router) => {
      const router = new Router().get('/users', ok)
      app.use(router.routes()).use(router.allowedMethods({ throw: true }))
    },
    expected: { 'POST /users': undefined },
  },
  {
    name: 'a guard for all routes that responds by itself',
    build: (app, Router) => app.use(new Router().use(refuse).get('/users/:id', ok).routes()),
    expected: { 'GET /users/7': undefined },
  },
  {
    name: 'a guard at a path',
    build: (app, Router) => {
      app.use(new Router().use('/users', refuse).get('/users/:id', ok).get('/open', ok).routes())
    },
    expected: { 'GET /users/7': undefined, 'GET /open': '/open' },
  },
  {
    name: 'a guard at the very path of the route',
    build: (app, Router) => {
      const guard = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : refuse(ctx))
      app.use(new Router().use('/users', guard).get('/users', ok).routes())
    },
    expected: { 'GET /users': undefined, 'GET /users?key=1': '/users' },
  },
  {
    name: 'a guard in front of a nested router',
    build: (app, Router) => {
      const guard = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : refuse(ctx))
      app.use(new Router().use('/orders', guard, small(Router).routes()).routes())
    },
    expected: {
      'GET /orders': undefined,
      'GET /orders?key=1': '/orders',
      'GET /orders/users/7': undefined,
      'GET /orders/users/7?key=1': '/orders/users/:id',
    },
  },
  {
    name: 'a guard at the path of a later route, whose method an earlier router does not have',
    build: (app, Router) => {
      app.use(new Router().use('/x', pass).post('/x', ok).routes())
      app.use(new Router().use('/x', pass).get('/x', ok).routes())
    },
    expected: { 'GET /x': '/x', 'POST /x': '/x' },
  },
  {
    name: 'a guard that throws',
    build: (app, Router) => {
      const router = new Router()
      app.use(
        router
          .use((ctx: Context) => ctx.throw(403))
          .get('/a', ok)
          .routes(),
      )
    },
    expected: { 'GET /a': undefined },
  },
  {
    name: 'a guard of the route itself',
    build: (app, Router) => app.use(new Router().get('/users/:id', refuse, ok).routes()),
    expected: { 'GET /users/7': '/users/:id' },
  },
  {
    name: 'middleware after the route',
    build: (app, Router) => app.use(new Router().get('/a', pass).use('/a', ok).routes()),
    expected: { 'GET /a': '/a' },
  },
  {
    name: 'an exclusive router, with a guard at the path of its route',
    build: (app, Router) => {
      app.use(new Router({ exclusive: true }).use('/a', refuse).get('/a', ok).routes())
    },
    expected: { 'GET /a': '/a' },
  },
  {
    name: 'a param handler that responds',
    build: (app, Router) => {
      const router = new Router().param('id', (id: string, ctx: Context, next: Next) =>
        id === '7' ? next() : refuse(ctx),
      )
      app.use(router.get('/users/:id', ok).routes())
    },
    expected: { 'GET /users/7': '/users/:id', 'GET /users/8': '/users/:id' },
  },
  {
    name: 'errors',
    build: (app, Router) => {
      const router = new Router()
        .get('/teapot/:id', (ctx: Context) => ctx.throw(418))
        .get('/sync', () => {
          throw new Error('sync')
        })
        .get('/later', async () => {
          await null
          throw new Error('later')
        })
      app.use(new Router().use('/e', router.routes()).routes())
    },
    expected: { 'GET /e/teapot/1': '/e/teapot/:id', 'GET /e/sync': '/e/sync', 'GET /e/later': '/e/later' },
  },
  {
    name: 'a response that bypasses Koa',
    build: (app, Router) => {
      const bypass = (ctx: Context) => {
        ctx.respond = false
        ctx.res.end('raw')
      }
      app.use(new Router().get('/raw/:id', bypass).routes())
    },
    expected: { 'GET /raw/1': '/raw/:id' },
  },
  {
    name: 'a route that sends no response',
    build: (app, Router) => app.use(new Router().get('/users/:id', () => {}).routes()),
    expected: { 'GET /users/7': '/users/:id' },
  },
  {
    name: 'an app that has things of its own on app.context',
    build: (app, Router) => {
      Object.assign(app.context, { router: 'mine', routerPath: 'default' })
      app.use(async (ctx, next) => {
        expect(ctx.routerPath).toBe('default')
        await next()
        expect(ctx.routerPath).toBe('/a/:x')
      })
      app.use(new Router().get('/a/:x', ok).routes())
    },
    expected: { 'GET /a/1': '/a/:x', 'GET /a/2': '/a/:x' },
  },
  {
    name: 'a router at a list of paths, with a guard',
    build: (app, R) => {
      const items = new R().get('/i/:i', ok)
      app.use(new R().use(['/a/:a', '/b'], keyed, items.routes()).routes())
    },
    expected: {
      '/a/1/i/2?key=1': '/a/:a/i/:i',
      '/b/i/2?key=1': '/b/i/:i',
      '/b/i/2': undefined,
    },
  },
  {
    name: 'allowedMethods of a nested router, of several routers, with errors of the app',
    build: (app, R) => {
      const inner = new R().get('/i/:i', ok)
      const outer = new R().use('/n/:n', inner.routes(), inner.allowedMethods({ throw: true })).get('/o', ok)
      app
        .use(catchAll)
        .use(outer.routes())
        .use(outer.allowedMethods({ throw: true }))
      const other = new R().post('/o', ok)
      app.use(other.routes()).use(other.allowedMethods())
    },
    expected: {
      '/n/1/i/2': '/n/:n/i/:i',
      'PUT /n/1/i/2': undefined,
      'PROPFIND /n/1/i/2': undefined,
      'POST /o': '/o',
      'PUT /o': undefined,
    },
  },
  {
    name: 'two routers that match, of which the first wraps, passes, responds or throws',
    build: (app, R) => {
      const first = new R().get('/w/:first', passLater).get('/a/:first', ok).get('/t/:first', throws(409))
      app.use(first.all('/p/:first', pass).routes())
      app.use(new R().get('/w/:second', ok).get('/a/:second', ok).routes())
      app.use(new R().get('/t/:second', ok).post('/p/:second', ok).routes())
    },
    expected: {
      '/w/1': '/w/:second',
      '/a/1': '/a/:first',
      '/t/1': '/t/:first',
      'POST /p/1': '/p/:second',
      'GET /p/1': '/p/:first',
    },
  },
  {
    name: 'a route that wraps the next one of its router and responds after it',
    build: (app, R) => {
      const wrap = async (ctx: Context, next: Next) => {
        await next()
        ctx.body = `<${ctx.body}>`
      }
      app.use(new R().get('/x/:outer', wrap).get('/x/:inner', ok).routes())
    },
    expected: { '/x/1': '/x/:inner' },
  },
  {
    name: 'routers by host',
    build: (app, R) => {
      app.use(new R({ host: '127.0.0.1:1' }).get('/x/:no', ok).routes())
      app.use(new R({ host: /^127\.0\.0\.1:\d+$/ }).get('/x/:yes', ok).routes())
    },
    expected: { '/x/1': '/x/:yes' },
  },
  {
    name: 'routers that a function of the app chooses',
    build: (app, R) => {
      const a = new R().get('/x/:a', ok).routes()
      const b = new R({ prefix: '/:b' }).get('/:c', ok).routes()
      app.use((ctx, next) => (ctx.query.host === 'a' ? a(ctx as never, next) : b(ctx as never, next)))
    },
    expected: { '/x/1?host=a': '/x/:a', '/x/1?host=b': '/:b/:c' },
  },
  {
    name: 'guards that throw, wait and respond, for all paths and at one',
    build: (app, R) => {
      const router = new R().use(passLater).use('/closed', throws(403)).use('/keyed', keyed)
      router.get('/closed/:x', ok).get('/open/:x', ok).get('/keyed/:x', ok)
      app.use(catchAll).use(router.routes())
    },
    expected: {
      '/closed/1': undefined,
      '/open/1': '/open/:x',
      '/keyed/1': undefined,
      '/keyed/1?key=1': '/keyed/:x',
      '/nothing': undefined,
    },
  },
  {
    name: 'several handlers of a route, of which one refuses',
    build: (app, R) => app.use(new R().get('/x/:x', passLater, keyed, ok).routes()),
    expected: { '/x/1': '/x/:x', '/x/1?key=1': '/x/:x' },
  },
  {
    name: 'errors of inner routers and mounts, handled by the app or by Koa',
    build: (app, R) => {
      const inner = new R().get('/404/:x', throws(404)).get('/500/:x', () => {
        throw new Error('failed')
      })
      app.use(mount('/koa', new R().use('/r/:r', inner.routes()).routes()))
      app.use(catchAll).use(mount('/own', new R().use('/r/:r', inner.routes()).routes()))
    },
    expected: {
      '/koa/r/1/404/2': '/koa/r/:r/404/:x',
      '/koa/r/1/500/2': '/koa/r/:r/500/:x',
      '/own/r/1/404/2': '/own/r/:r/404/:x',
      '/own/r/1/500/2': '/own/r/:r/500/:x',
      '/own/none': undefined,
    },
  },
  {
    name: 'a route that responds or fails with 404 or sends nothing, and a 404 page',
    build: (app, R) => {
      const router = new R().get('/status/:x', respond(404)).get('/error/:x', throws(404))
      app.use(catchAll).use(router.get('/nothing/:x', () => {}).routes())
      app.use(respond(404))
    },
    expected: {
      '/status/1': '/status/:x',
      '/error/1': '/error/:x',
      '/nothing/1': '/nothing/:x',
      '/none': undefined,
    },
  },
  {
    name: 'a router given as middleware(), composed by hand, and used twice',
    build: (app, R) => {
      const router = new R().get('/x/:x', ok).get('/pass/:p', pass)
      app.use((ctx, next) =>
        router.middleware()(ctx as never, () => router.allowedMethods()(ctx as never, next)),
      )
      app.use(router.routes()).use(router.routes())
    },
    expected: { '/x/1': '/x/:x', '/pass/1': '/pass/:p', 'PUT /x/1': undefined },
  },
  {
    name: 'param handlers of the outer router, that wait, and that refuse',
    build: (app, R) => {
      const refuse = async (id: string, ctx: Context, next: Next) => {
        await new Promise(setImmediate)
        return id === 'no' ? respond(404)(ctx) : next()
      }
      const inner = new R().get('/i/:i', ok)
      app.use(new R().param('o', refuse).use('/o/:o', inner.routes()).routes())
    },
    expected: { '/o/1/i/2': '/o/:o/i/:i', '/o/no/i/2': '/o/:o/i/:i' },
  },
  {
    name: 'responses that Koa does not send, and those that come later',
    build: (app, R) => {
      const bypass = (ctx: Context) => {
        ctx.respond = false
        setImmediate(() => ctx.res.end('raw'))
      }
      const early = (ctx: Context, next: Next) => {
        ctx.respond = false
        ctx.res.end('early')
        return next()
      }
      const router = new R().get('/raw/:r', bypass).get('/early/:e', early).get('/slow/:s', passLater, ok)
      app.use(mount('/m', router.routes()))
    },
    expected: { '/m/raw/1': '/m/raw/:r', '/m/early/1': '/m/early/:e', '/m/slow/1': '/m/slow/:s' },
  },
  {
    name: 'routers of other versions, one after the other and in each other',
    build: (app, R) => {
      const others = ['koa-at-router-12', 'koa-at-router-15', 'koa-router-13'].map((alias) => {
        const module = load(alias)
        return (module.default ?? module) as RouterClass
      })
      const routers = others.map((Other, at) => new Other().get(`/${at}/:o`, ok).get('/pass', pass))
      for (const router of routers) app.use(router.routes()).use(router.allowedMethods())
      app.use(new R().get('/own/:x', ok).get('/pass', ok).get('/:any/:p', ok).routes())
    },
    expected: {
      '/0/1': '/0/:o',
      '/1/1': '/1/:o',
      '/2/1': '/2/:o',
      '/own/1': '/own/:x',
      '/pass': '/pass',
      '/a/b': '/:any/:p',
    },
  },
])
