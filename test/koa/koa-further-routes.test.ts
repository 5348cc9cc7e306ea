import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { describe, expect, inject, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const mount = load('koa-mount') as (
  prefix: string,
  app: { middleware: unknown[] } | Middleware | Middleware[],
) => Middleware

/** Just what the table uses of @koa/router, whose types differ from major to major. */
interface Router {
  get(...args: unknown[]): Router
  post(...args: unknown[]): Router
  put(...args: unknown[]): Router
  del(...args: unknown[]): Router
  head(...args: unknown[]): Router
  options(...args: unknown[]): Router
  all(...args: unknown[]): Router
  use(...args: unknown[]): Router
  param(name: string, handler: unknown): Router
  prefix(path: string): Router
  redirect(from: string, to: string, code?: number): Router
  routes(): Middleware
  middleware(): Middleware
  allowedMethods(options?: object): Middleware
}
type RouterClass = new (options?: object) => Router

const answer = (ctx: Context) => {
  ctx.body = 'ok'
}
const pass = (_ctx: Context, next: Next) => next()
const later = async (_ctx: Context, next: Next) => {
  await new Promise(setImmediate)
  await next()
}
const answers = (status: number) => (ctx: Context) => {
  ctx.status = status
  ctx.body = 'ok'
}
const throws = (status: number) => (ctx: Context) => ctx.throw(status)
const keyed = (ctx: Context, next: Next) => (ctx.query.key === '1' ? next() : answers(401)(ctx))
const catchAll = async (ctx: Context, next: Next) => {
  try {
    await next()
  } catch (error) {
    ctx.status = (error as { status?: number }).status ?? 500
    ctx.body = 'failed'
  }
}

type Expected = Record<string, string | undefined>
/** What it is about, the app, and the name of each call: `GET`, or the method given before the path. */
type Case = [about: string, build: (app: Koa, R: RouterClass) => void, expected: Expected]

const cases: Case[] = [
  [
    'prefixes with params, nested three deep, with the same name',
    (app, R) => {
      const c = new R({ prefix: '/c/:id' }).get('/', answer).get('/x/:x', answer)
      const b = new R({ prefix: '/b/:id' }).get('/', answer).use(c.routes())
      app.use(new R({ prefix: '/a/:id' }).get('/', answer).use('/m/:id', b.routes()).routes())
    },
    {
      '/a/1': '/a/:id',
      '/a/1/m/1/b/1': '/a/:id/m/:id/b/:id',
      '/a/a/m/m/b/b/c/c': '/a/:id/m/:id/b/:id/c/:id',
      '/a/1/m/1/b/1/c/1/x/c': '/a/:id/m/:id/b/:id/c/:id/x/:x',
      '/a/1/m/1': undefined,
    },
  ],
  [
    'one router under other params',
    (app, R) => {
      const items = new R().get('/items/:id', answer).get('/', answer)
      const outer = new R().use('/users/:user', items.routes())
      outer.use('/teams/:team/users/:user', items.routes()).use(items.routes())
      app.use(outer.routes())
    },
    {
      '/users/1/items/2': '/users/:user/items/:id',
      '/teams/users/users/items/items/1': '/teams/:team/users/:user/items/:id',
      '/items/1': '/items/:id',
      '/users/1': '/users/:user',
      '/teams/1/users/2/': '/teams/:team/users/:user',
    },
  ],
  [
    'a router at a list of paths, with a guard',
    (app, R) => {
      const items = new R().get('/i/:i', answer)
      app.use(new R().use(['/a/:a', '/b'], keyed, items.routes()).routes())
    },
    {
      '/a/1/i/2?key=1': '/a/:a/i/:i',
      '/b/i/2?key=1': '/b/i/:i',
      '/b/i/2': undefined,
    },
  ],
  [
    'a prefix given when there are routes, guards and nested routers',
    (app, R) => {
      const inner = new R().get('/i/:i', answer)
      const router = new R().use(keyed).get('/x/:x', answer).use('/n/:n', inner.routes())
      app.use(router.prefix('/late/:l').routes())
    },
    {
      '/late/1/n/2/i/3?key=1': '/late/:l/n/:n/i/:i',
      '/late/1/x/2?key=1': '/late/:l/x/:x',
    },
  ],
  [
    'named routes, and redirects between them',
    (app, R) => {
      const router = new R().get('home', '/home', answer).get('user', '/users/:id', answer)
      app.use(router.redirect('/start', 'home', 302).redirect('/old/:id', '/users/1').routes())
    },
    {
      '/home': '/home',
      '/users/1': '/users/:id',
      '/start': '/start',
      '/old/7': '/old/:id',
      'POST /start': '/start',
    },
  ],
  [
    'methods: all, one path with several, HEAD, OPTIONS, del',
    (app, R) => {
      const router = new R().all('/all/:a', answer).get('/m/:get', answer).post('/m/:post', answer)
      router.put('/m/:put', answer).del('/m/:del', answer).head('/h/:h', answers(200))
      app.use(router.options('/o/:o', answer).routes()).use(router.allowedMethods())
    },
    {
      'PATCH /all/1': '/all/:a',
      '/m/1': '/m/:get',
      'HEAD /m/1': '/m/:get',
      'POST /m/1': '/m/:post',
      'PUT /m/1': '/m/:put',
      'DELETE /m/1': '/m/:del',
      'PATCH /m/1': undefined,
      'OPTIONS /m/1': undefined,
      'OPTIONS /o/1': '/o/:o',
      'HEAD /h/1': '/h/:h',
      'GET /h/1': undefined,
    },
  ],
  [
    'allowedMethods of a nested router, of several routers, with errors of the app',
    (app, R) => {
      const inner = new R().get('/i/:i', answer)
      const outer = new R()
        .use('/n/:n', inner.routes(), inner.allowedMethods({ throw: true }))
        .get('/o', answer)
      app
        .use(catchAll)
        .use(outer.routes())
        .use(outer.allowedMethods({ throw: true }))
      const other = new R().post('/o', answer)
      app.use(other.routes()).use(other.allowedMethods())
    },
    {
      '/n/1/i/2': '/n/:n/i/:i',
      'PUT /n/1/i/2': undefined,
      'PROPFIND /n/1/i/2': undefined,
      'POST /o': '/o',
      'PUT /o': undefined,
    },
  ],
  [
    'routers that both match: the first wraps, passes, answers, throws',
    (app, R) => {
      const first = new R().get('/w/:first', later).get('/a/:first', answer).get('/t/:first', throws(409))
      app.use(first.all('/p/:first', pass).routes())
      app.use(new R().get('/w/:second', answer).get('/a/:second', answer).routes())
      app.use(new R().get('/t/:second', answer).post('/p/:second', answer).routes())
    },
    {
      '/w/1': '/w/:second',
      '/a/1': '/a/:first',
      '/t/1': '/t/:first',
      'POST /p/1': '/p/:second',
      'GET /p/1': '/p/:first',
    },
  ],
  [
    'a route that wraps the next one of its router, and answers after it',
    (app, R) => {
      const wrap = async (ctx: Context, next: Next) => {
        await next()
        ctx.body = `<${ctx.body}>`
      }
      app.use(new R().get('/x/:outer', wrap).get('/x/:inner', answer).routes())
    },
    { '/x/1': '/x/:inner' },
  ],
  [
    'routers by host',
    (app, R) => {
      app.use(new R({ host: '127.0.0.1:1' }).get('/x/:no', answer).routes())
      app.use(new R({ host: /^127\.0\.0\.1:\d+$/ }).get('/x/:yes', answer).routes())
    },
    { '/x/1': '/x/:yes' },
  ],
  [
    'routers that a function of the app chooses',
    (app, R) => {
      const a = new R().get('/x/:a', answer).routes()
      const b = new R({ prefix: '/:b' }).get('/:c', answer).routes()
      app.use((ctx, next) => (ctx.query.host === 'a' ? a(ctx as never, next) : b(ctx as never, next)))
    },
    { '/x/1?host=a': '/x/:a', '/x/1?host=b': '/:b/:c' },
  ],
  [
    'guards that throw, wait, and answer; for all, and at a path',
    (app, R) => {
      const router = new R().use(later).use('/closed', throws(403)).use('/keyed', keyed)
      router.get('/closed/:x', answer).get('/open/:x', answer).get('/keyed/:x', answer)
      app.use(catchAll).use(router.routes())
    },
    {
      '/closed/1': undefined,
      '/open/1': '/open/:x',
      '/keyed/1': undefined,
      '/keyed/1?key=1': '/keyed/:x',
      '/nothing': undefined,
    },
  ],
  [
    'several handlers of a route, of which one refuses',
    (app, R) => app.use(new R().get('/x/:x', later, keyed, answer).routes()),
    { '/x/1': '/x/:x', '/x/1?key=1': '/x/:x' },
  ],
  [
    'errors: with a status, of an inner router, behind a mount, answered by the app or by Koa',
    (app, R) => {
      const inner = new R().get('/404/:x', throws(404)).get('/500/:x', () => {
        throw new Error('failed')
      })
      app.use(mount('/koa', new R().use('/r/:r', inner.routes()).routes()))
      app.use(catchAll).use(mount('/own', new R().use('/r/:r', inner.routes()).routes()))
    },
    {
      '/koa/r/1/404/2': '/koa/r/:r/404/:x',
      '/koa/r/1/500/2': '/koa/r/:r/500/:x',
      '/own/r/1/404/2': '/own/r/:r/404/:x',
      '/own/r/1/500/2': '/own/r/:r/500/:x',
      '/own/none': undefined,
    },
  ],
  [
    'a route that answers 404, by a status, by an error, or by saying nothing; and a 404 page',
    (app, R) => {
      const router = new R().get('/status/:x', answers(404)).get('/error/:x', throws(404))
      app.use(catchAll).use(router.get('/nothing/:x', () => {}).routes())
      app.use(answers(404))
    },
    { '/status/1': '/status/:x', '/error/1': '/error/:x', '/nothing/1': '/nothing/:x', '/none': undefined },
  ],
  [
    'mounts: at the root, of a list, around routers with params, nested',
    (app, R) => {
      const router = () => new R({ prefix: '/:p' }).get('/x/:x', answer).get('/', answer)
      app.use(mount('/', new R().get('/root/:r', answer).routes()))
      app.use(mount('/list', [pass, router().routes()]))
      app.use(mount('/a', new Koa().use(mount('/b', new Koa().use(mount('/c', router().routes()))))))
    },
    {
      '/root/1': '/root/:r',
      '/list/1/x/2': '/list/:p/x/:x',
      '/list/list': '/list/:p',
      '/a/b/c/1/x/2': '/a/b/c/:p/x/:x',
      '/a/b/c/a/x/b': '/a/b/c/:p/x/:x',
      '/a/b/c': undefined,
      '/a/b/d/x': undefined,
    },
  ],
  [
    'one router in two mounts',
    (app, R) => {
      const router = new R().get('/x/:x', answer).get('/', answer)
      app.use(mount('/a', router.routes())).use(mount('/a-b', router.routes()))
    },
    { '/a/x/1': '/a/x/:x', '/a-b/x/1': '/a-b/x/:x', '/a-b': '/a-b', '/a/x': undefined },
  ],
  [
    'a mount in a route, whose app has routes',
    (app, R) => {
      const inner = new Koa().use(new R().get('/x/:x', answer).routes())
      const outer = new R().get('/in/x/:any', mount('/in', inner)).get('/in/:any', mount('/in', inner))
      app.use(outer.routes())
    },
    { '/in/x/1': '/in/x/:x', '/in/other': '/in/:any' },
  ],
  [
    'paths that are rewritten in a mount, and behind one that passes on',
    (app, R) => {
      const rewrite = (from: string, to: string) => (ctx: Context, next: Next) => {
        ctx.path = ctx.path.replace(from, to)
        return next()
      }
      const inner = new Koa()
        .use(rewrite('/old', '/new'))
        .use(mount('/new', new R().get('/x/:x', answer).routes()))
      app.use(mount('/in', inner.use(new R().get('/new/y/:y', answer).routes()))).use(rewrite('/in', '/out'))
      app
        .use(new R().get('/out/z', answer).routes())
        .use(mount('/out', new R().get('/old/:o', answer).routes()))
    },
    {
      '/in/old/x/1': '/in/new/x/:x',
      '/in/old/y/1': '/in/new/y/:y',
      '/in/new/x/2': '/in/new/x/:x',
      '/in/z': '/out/z',
      '/in/old/1': '/out/old/:o',
    },
  ],
  [
    'a guard in front of a mount, and a mount behind a router that passes',
    (app, R) => {
      app.use(new R().use('/m', keyed).get('/m/pass/:p', pass).routes())
      app.use(mount('/m', new R().get('/pass/:q', answer).get('/x/:x', answer).routes()))
    },
    { '/m/pass/1?key=1': '/m/pass/:q', '/m/pass/1': undefined, '/m/x/1': '/m/x/:x' },
  ],
  [
    'paths, URLs and methods that a middleware rewrites',
    (app, R) => {
      app.use((ctx, next) => {
        if (ctx.path.startsWith('/old')) ctx.path = ctx.path.replace('/old', '/new')
        if (ctx.path.startsWith('/url')) ctx.url = '/new/from-url?x=1'
        if (ctx.query.method) ctx.method = String(ctx.query.method)
        return next()
      })
      app.use(new R().get('/new/:n', answer).put('/new/:put', answer).routes())
      const rewriting = new R().get('/first/:f', (ctx: Context, next: Next) => {
        ctx.path = '/second/1'
        return next()
      })
      app.use(rewriting.routes()).use(new R().get('/second/:s', answer).routes())
      app.use(
        new R()
          .get('/changes/:c', (ctx: Context) => {
            ctx.path = '/elsewhere'
            ctx.body = 'ok'
          })
          .routes(),
      )
    },
    {
      '/old/1': '/new/:n',
      '/url/1': '/new/:n',
      '/new/1?method=PUT': '/new/:put',
      '/first/1': '/second/:s',
      '/changes/1': '/changes/:c',
    },
  ],
  [
    'case and slashes as the router is told',
    (app, R) => {
      app.use(new R({ sensitive: true, strict: true }).get('/A/:x', answer).get('/a/:x/', answer).routes())
      app.use(new R({ prefix: '/P', sensitive: false }).get('/Q/:q', answer).routes())
    },
    {
      '/A/1': '/A/:x',
      '/A/1/': undefined,
      '/a/1/': '/a/:x/',
      '/a/1': undefined,
      '/p/q/1': '/P/Q/:q',
      '/P/Q/1/': '/P/Q/:q',
    },
  ],
  [
    'values in every spelling, in the prefix and in the route',
    (app, R) => app.use(mount('/m', new R({ prefix: '/p/:p' }).get('/x/:x', answer).routes())),
    Object.fromEntries(
      [
        '%2F',
        '%2f%2F',
        '$&',
        '$1',
        '(.*)',
        ':x',
        '*',
        '.',
        'a.b.c',
        '%20',
        'a+b',
        '%F0%9F%98%80',
        '%25',
        '%zz',
        '~',
        "'",
        'm',
        'p',
        'x',
        '-',
        '%2e%2e',
        'a%3Fb',
        'a%23b',
        '{a}',
        'x'.repeat(2000),
      ].map((value) => [`/m/p/${value}/x/${value}?x=${value}`, '/m/p/:p/x/:x']),
    ),
  ],
  [
    'expressions: with flags, without anchors, two that match',
    (app, R) => {
      const router = new R()
        .get(/^\/a\/(\d+)$/i, pass)
        .get(/^\/a\/(.+)$/, answer)
        .get(/fly$/, answer)
      app.use(mount('/m', router.routes())).use(router.routes())
    },
    {
      '/a/1': '/^\\/a\\/(.+)$/',
      '/A/1': '/^\\/a\\/(\\d+)$/i',
      '/butterfly': '/fly$/',
      '/m/a/x': '/m/^\\/a\\/(.+)$/',
    },
  ],
  [
    'exclusive routers: the last route that matches',
    (app, R) => {
      const router = new R({ exclusive: true }).get('/:any', answer).get('/x', answer).get('/:other', answer)
      app.use(router.use('/late', answers(401)).routes())
    },
    { '/x': '/:other', '/y': '/:other' },
  ],
  [
    'a router given as middleware(), composed by hand, and used twice',
    (app, R) => {
      const router = new R().get('/x/:x', answer).get('/pass/:p', pass)
      app.use((ctx, next) =>
        router.middleware()(ctx as never, () => router.allowedMethods()(ctx as never, next)),
      )
      app.use(router.routes()).use(router.routes())
    },
    { '/x/1': '/x/:x', '/pass/1': '/pass/:p', 'PUT /x/1': undefined },
  ],
  [
    'param handlers: of the outer router, that wait, that refuse',
    (app, R) => {
      const refuse = async (id: string, ctx: Context, next: Next) => {
        await new Promise(setImmediate)
        return id === 'no' ? answers(404)(ctx) : next()
      }
      const inner = new R().get('/i/:i', answer)
      app.use(new R().param('o', refuse).use('/o/:o', inner.routes()).routes())
    },
    { '/o/1/i/2': '/o/:o/i/:i', '/o/no/i/2': '/o/:o/i/:i' },
  ],
  [
    'answers that Koa does not send, and those that come later',
    (app, R) => {
      const bypass = (ctx: Context) => {
        ctx.respond = false
        setImmediate(() => ctx.res.end('raw'))
      }
      const early = (ctx: Context, next: Next) => {
        ctx.respond = false
        ctx.res.end('early')
        return next()
      }
      const router = new R().get('/raw/:r', bypass).get('/early/:e', early).get('/slow/:s', later, answer)
      app.use(mount('/m', router.routes()))
    },
    { '/m/raw/1': '/m/raw/:r', '/m/early/1': '/m/early/:e', '/m/slow/1': '/m/slow/:s' },
  ],
  [
    'a path that the app gives the router',
    (app, R) => {
      app.use((ctx, next) => {
        if (ctx.query.to) (ctx as Context).newRouterPath = String(ctx.query.to)
        ctx.routerPath = '/users/:id'
        return next()
      })
      app.use(new R().get('/users/:id', answer).get('/x/:x', answer).routes())
    },
    { '/any?to=/x/1': '/x/:x', '/users/1': '/users/:id', '/none': undefined },
  ],
  [
    'routers of other versions, one after the other and in each other',
    (app, R) => {
      const others = ['koa-at-router-12', 'koa-at-router-15', 'koa-router-13'].map((alias) => {
        const module = load(alias)
        return (module.default ?? module) as RouterClass
      })
      const routers = others.map((Other, at) => new Other().get(`/${at}/:o`, answer).get('/pass', pass))
      for (const router of routers) app.use(router.routes()).use(router.allowedMethods())
      app.use(new R().get('/own/:x', answer).get('/pass', answer).get('/:any/:p', answer).routes())
    },
    {
      '/0/1': '/0/:o',
      '/1/1': '/1/:o',
      '/2/1': '/2/:o',
      '/own/1': '/own/:x',
      '/pass': '/pass',
      '/a/b': '/:any/:p',
    },
  ],
]

/** The dialect of path-to-regexp 6: @koa/router 12 and 13, koa-router 12 and 13. */
const olderCases: Case[] = [
  [
    'a list of strings and expressions',
    (app, R) => app.use(new R().get(['/a/:a', /^\/b\d+$/, '/c'], answer).routes()),
    { '/a/1': '/a/:a', '/b12': '/^\\/b\\d+$/', '/c': '/c' },
  ],
  [
    'optional params, patterns, wildcards and escapes, in prefixes too',
    (app, R) => {
      const router = new R({ prefix: '/:lang(en|de)?/v' }).get('/a/:x?', answer).get('/(.*)/end', answer)
      app.use(router.get('/n/:n(\\d+)-:m', answer).get('/p/:path*', answer).get('/q\\?/:q+', answer).routes())
      app.use(new R().all('(.*)', pass).get('/g/(.*)', answer).routes())
    },
    {
      '/en/v/a': '/:lang(en|de)?/v/a/:x?',
      '/v/a/1': '/:lang(en|de)?/v/a/:x?',
      '/v/x/y/end': '/:lang(en|de)?/v/(.*)/end',
      '/de/v/n/1-2': '/:lang(en|de)?/v/n/:n(\\d+)-:m',
      '/v/p/a/b/c': '/:lang(en|de)?/v/p/:path*',
      '/g/a/b': '/g/(.*)',
    },
  ],
  [
    'an expression below a prefix',
    (app, R) => app.use(new R().use('/t/:t', new R().get('/f/:f(\\w+\\.txt)', answer).routes()).routes()),
    { '/t/1/f/a.txt': '/t/:t/f/:f(\\w+\\.txt)' },
  ],
]

/** The dialect of path-to-regexp 8. */
const newerCases: Case[] = [
  [
    'optional parts, wildcards and escapes, in prefixes too',
    (app, R) => {
      const router = new R({ prefix: '/v{/:lang}' }).get('/a{/:x}', answer).get('/*mid/end', answer)
      app.use(router.get('/p/*path', answer).get('/q\\?/:q', answer).get('/f/:n{.:ext}', answer).routes())
      app.use(new R().all('/{*all}', pass).get('/g/*rest', answer).routes())
    },
    {
      '/v/en/a': '/v{/:lang}/a{/:x}',
      '/v/a': '/v{/:lang}/a{/:x}',
      '/v/x/y/end': '/v{/:lang}/*mid/end',
      '/v/p/a/b/c': '/v{/:lang}/p/*path',
      '/v/f/a.txt': '/v{/:lang}/f/:n{.:ext}',
      '/g/a/b': '/g/*rest',
    },
  ],
]

const framework = inject('framework')
const aliases = [
  'koa-at-router-12',
  'koa-at-router-13',
  'koa-at-router-14',
  'koa-at-router-15',
  'koa-router-12',
  'koa-router-13',
  'koa-router-14',
]

async function namesOf([, build, expected]: Case, Router: RouterClass): Promise<Expected> {
  const { meter, calls } = recordingMeter()
  const app = new Koa()
  app.silent = true
  app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }), ignore: [] }))
  build(app, Router)
  const server = await startServer(app.callback())
  const names: Expected = {}
  for (const request of Object.keys(expected)) {
    const [method = '', path = ''] = request.startsWith('/') ? ['GET', request] : request.split(' ')
    const before = calls.length
    await send(server.url, { method, path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    names[request] = calls[before]?.route
  }
  await server.close()
  return names
}

describe.each(aliases)(`further names of %s on ${framework}`, (alias) => {
  const module = load(alias)
  const Router: RouterClass = module.default ?? module
  const dialect = Number(alias.slice(-2)) < 14 ? olderCases : newerCases

  it.each([...cases, ...dialect].map((each) => [each[0], each] as const))('%s', async (_about, each) => {
    expect(await namesOf(each, Router)).toEqual(each[2])
  })
})
