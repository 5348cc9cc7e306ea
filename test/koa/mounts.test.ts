import Koa, { type Context, type Next } from 'koa'
import { describeNames, keyed, mount, ok, pass, small } from '../support/koa-cases.ts'

describeNames('routes of mounts', [
  {
    name: 'a mounted router',
    build: (app, Router) => app.use(mount('/api', small(Router).routes())),
    expected: {
      'GET /api': '/api',
      'GET /api/': '/api',
      'GET /api/users/7': '/api/users/:id',
      'GET /api/none': undefined,
      'GET /users/7': undefined,
      'GET /apix/users/7': undefined,
    },
  },
  {
    name: 'a mounted app, and a mount in it',
    build: (app, Router) => {
      const inner = new Koa().use(mount('/inner', small(Router).routes()))
      app.use(mount('/outer', inner.use(small(Router).routes())))
    },
    expected: {
      'GET /outer/inner/users/7': '/outer/inner/users/:id',
      'GET /outer/users/7': '/outer/users/:id',
    },
  },
  {
    name: 'a mounted app without a router',
    build: (app) => app.use(mount('/plain', new Koa().use(ok))),
    expected: { 'GET /plain/users/7': undefined },
  },
  {
    name: 'mounts that are entered and left again',
    build: (app, Router) => {
      app.use(mount('/a', new Koa().use(pass)))
      app.use(mount('/a', mount('/a', pass)))
      app.use(mount('/a', small(Router).get('/a/:x', ok).routes()))
      app.use(small(Router).get('/a/b/c/:d', ok).routes())
    },
    expected: {
      'GET /a/users/7': '/a/users/:id',
      'GET /a/a/7': '/a/a/:x',
      'GET /a/b/c/7': '/a/b/c/:d',
      'GET /users/7': '/users/:id',
    },
  },
  {
    name: 'a mount whose name comes again in the path',
    build: (app, Router) => app.use(mount('/users', small(Router).routes())),
    expected: { 'GET /users/users/users': '/users/users/:id', 'GET /users/users': '/users/users' },
  },
  {
    name: 'a mounted RegExp',
    build: (app, Router) => app.use(mount('/api', new Router().get(/^\/f\/\d+$/, ok).routes())),
    expected: { 'GET /api/f/1': '/api/^\\/f\\/\\d+$/' },
  },
  {
    name: 'a mount under a path of which the app removes a part',
    build: (app, Router) => {
      app.use((ctx, next) => {
        ctx.path = ctx.path.replace(/^\/t\/[^/]+/, '')
        return next()
      })
      app.use(mount('/api', small(Router).routes()))
    },
    expected: { 'GET /t/acme/api/users/7': '/api/users/:id', 'GET /t/corp/api/users': '/api/users' },
  },
  {
    name: 'mounts at the root, of a list, around routers with params, and nested',
    build: (app, R) => {
      const router = () => new R({ prefix: '/:p' }).get('/x/:x', ok).get('/', ok)
      app.use(mount('/', new R().get('/root/:r', ok).routes()))
      app.use(mount('/list', [pass, router().routes()]))
      app.use(mount('/a', new Koa().use(mount('/b', new Koa().use(mount('/c', router().routes()))))))
    },
    expected: {
      '/root/1': '/root/:r',
      '/list/1/x/2': '/list/:p/x/:x',
      '/list/list': '/list/:p',
      '/a/b/c/1/x/2': '/a/b/c/:p/x/:x',
      '/a/b/c/a/x/b': '/a/b/c/:p/x/:x',
      '/a/b/c': undefined,
      '/a/b/d/x': undefined,
    },
  },
  {
    name: 'one router in two mounts',
    build: (app, R) => {
      const router = new R().get('/x/:x', ok).get('/', ok)
      app.use(mount('/a', router.routes())).use(mount('/a-b', router.routes()))
    },
    expected: { '/a/x/1': '/a/x/:x', '/a-b/x/1': '/a-b/x/:x', '/a-b': '/a-b', '/a/x': undefined },
  },
  {
    name: 'a mount in a route, whose app has routes',
    build: (app, R) => {
      const inner = new Koa().use(new R().get('/x/:x', ok).routes())
      const outer = new R().get('/in/x/:any', mount('/in', inner)).get('/in/:any', mount('/in', inner))
      app.use(outer.routes())
    },
    expected: { '/in/x/1': '/in/x/:x', '/in/other': '/in/:any' },
  },
  {
    name: 'paths that are rewritten in a mount, and behind one that passes on',
    build: (app, R) => {
      const rewrite = (from: string, to: string) => (ctx: Context, next: Next) => {
        ctx.path = ctx.path.replace(from, to)
        return next()
      }
      const inner = new Koa()
        .use(rewrite('/old', '/new'))
        .use(mount('/new', new R().get('/x/:x', ok).routes()))
      app.use(mount('/in', inner.use(new R().get('/new/y/:y', ok).routes()))).use(rewrite('/in', '/out'))
      app.use(new R().get('/out/z', ok).routes()).use(mount('/out', new R().get('/old/:o', ok).routes()))
    },
    expected: {
      '/in/old/x/1': '/in/new/x/:x',
      '/in/old/y/1': '/in/new/y/:y',
      '/in/new/x/2': '/in/new/x/:x',
      '/in/z': '/out/z',
      '/in/old/1': '/out/old/:o',
    },
  },
  {
    name: 'a guard in front of a mount, and a mount behind a router that passes',
    build: (app, R) => {
      app.use(new R().use('/m', keyed).get('/m/pass/:p', pass).routes())
      app.use(mount('/m', new R().get('/pass/:q', ok).get('/x/:x', ok).routes()))
    },
    expected: { '/m/pass/1?key=1': '/m/pass/:q', '/m/pass/1': undefined, '/m/x/1': '/m/x/:x' },
  },
  {
    name: 'paths, URLs and methods that a middleware rewrites',
    build: (app, R) => {
      app.use((ctx, next) => {
        if (ctx.path.startsWith('/old')) ctx.path = ctx.path.replace('/old', '/new')
        if (ctx.path.startsWith('/url')) ctx.url = '/new/from-url?x=1'
        if (ctx.query.method) ctx.method = String(ctx.query.method)
        return next()
      })
      app.use(new R().get('/new/:n', ok).put('/new/:put', ok).routes())
      const rewriting = new R().get('/first/:f', (ctx: Context, next: Next) => {
        ctx.path = '/second/1'
        return next()
      })
      app.use(rewriting.routes()).use(new R().get('/second/:s', ok).routes())
      app.use(
        new R()
          .get('/changes/:c', (ctx: Context) => {
            ctx.path = '/elsewhere'
            ctx.body = 'ok'
          })
          .routes(),
      )
    },
    expected: {
      '/old/1': '/new/:n',
      '/url/1': '/new/:n',
      '/new/1?method=PUT': '/new/:put',
      '/first/1': '/second/:s',
      '/changes/1': '/changes/:c',
    },
  },
])
