import { createRequire } from 'node:module'
import type { FinishedCall, Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express, { type Express, type RequestHandler, type Router } from 'express'
import { describe, expect, inject, it, vi } from 'vitest'
import { confusable, interleavedContract } from '../contracts/interleaved-contract.ts'
import { send, startServer } from '../support/http-client.ts'

const alias = inject('framework')
const { version } = createRequire(import.meta.url)(`${alias}/package.json`) as { version: string }
const is4 = version.startsWith('4.')
/** Routers that keep nothing of the path of a mount but closures. */
const legacy = /^5\.[012]\./.test(version)

const ok: RequestHandler = (_req, res) => void res.json({})
const fails: RequestHandler = () => {
  throw new Error('This handler always fails.')
}
const answers500: express.ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).json({})

/** A router with a route. */
function routerWith(
  path: string | RegExp | Array<string | RegExp>,
  handler: RequestHandler = ok,
  options = {},
): Router {
  return express.Router(options).get(path, handler)
}

type Expected = Record<string, string | undefined>

interface Case {
  readonly name: string
  readonly for?: '4' | '5'
  build(app: Express): void
  /** `GET` or the method given before the path; the names in the order of the requests. */
  readonly expected: Expected
}

const cases: Case[] = [
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
  { name: 'nothing matches', build: (app) => void app.get('/a', ok), expected: { '/nothing': undefined } },
  {
    name: 'a mounted router',
    build: (app) => void app.use('/v1', routerWith('/users/:id')),
    expected: { '/v1/users/42': '/v1/users/:id', '/v1/users': undefined },
  },
  {
    name: 'a mount with a parameter',
    build: (app) => void app.use('/tenants/:tenant', routerWith('/items/:id')),
    expected: {
      '/tenants/7/items/8': '/tenants/:tenant/items/:id',
      '/tenants/8/items/7': '/tenants/:tenant/items/:id',
    },
  },
  {
    name: 'mounts with parameters to four levels, merged or not',
    build(app) {
      const d = routerWith('/d/:did', ok, { mergeParams: true })
      const c = express.Router().use('/c/:cid', d)
      const b = express.Router({ mergeParams: true }).use('/b/:bid', c)
      app.use('/a/:aid', b)
    },
    expected: {
      '/a/1/b/2/c/3/d/4': '/a/:aid/b/:bid/c/:cid/d/:did',
      '/a/1/b/1/c/1/d/1': '/a/:aid/b/:bid/c/:cid/d/:did',
    },
  },
  {
    name: 'one router mounted in several places',
    build(app) {
      const router = routerWith('/items/:id')
      app.use('/a', router).use('/b/:b', router).use(['/c', '/d/:d'], router)
    },
    expected: {
      '/a/items/1': '/a/items/:id',
      '/b/x/items/1': '/b/:b/items/:id',
      '/c/items/1': '/c/items/:id',
      '/d/y/items/1': '/d/:d/items/:id',
    },
  },
  {
    name: 'a router mounted in two places, of which one begins like the other',
    build(app) {
      const router = routerWith('/:id')
      app.use('/user', router).use('/users', router)
    },
    expected: { '/user/1': '/user/:id', '/users/1': '/users/:id' },
  },
  {
    name: 'a mounted app',
    build: (app) => void app.use('/admin', express().get('/users/:id', ok)),
    expected: { '/admin/users/1': '/admin/users/:id' },
  },
  {
    name: 'a mounted app with a parameter, in a mounted app with a parameter',
    build: (app) => void app.use('/a/:a', express().use('/b/:b', express().get('/c/:c', ok))),
    expected: { '/a/1/b/2/c/3': '/a/:a/b/:b/c/:c', '/a/1/b/1/c/1': '/a/:a/b/:b/c/:c' },
  },
  {
    name: 'an app mounted in a router with a parameter, and a router in that app',
    build(app) {
      const inner = express().use('/y/:y', routerWith('/z/:z'))
      app.use('/w/:w', express.Router().use('/x/:x', inner))
    },
    expected: { '/w/1/x/2/y/3/z/4': '/w/:w/x/:x/y/:y/z/:z' },
  },
  {
    name: 'an app mounted in two places',
    build(app) {
      const inner = express().get('/items/:id', ok)
      app.use('/a/:a', inner).use('/b/:b', inner)
    },
    expected: { '/b/1/items/2': '/b/:b/items/:id', '/a/1/items/2': '/a/:a/items/:id' },
  },
  {
    name: 'two apps with the same routes',
    build(app) {
      app.use('/a/:a', express().get('/items/:id', ok)).use('/b/:b', express().get('/items/:id', ok))
    },
    expected: { '/a/1/items/2': '/a/:a/items/:id', '/b/1/items/2': '/b/:b/items/:id' },
  },
  {
    name: 'a list of paths: the one that matched',
    build: (app) =>
      void app.get(['/old/:id', '/new/:id'], ok).use(['/v1/:t', '/v2'], routerWith(['/x', '/y/:y'])),
    expected: {
      '/old/1': '/old/:id',
      '/new/1': '/new/:id',
      '/v1/a/x': '/v1/:t/x',
      '/v2/x': '/v2/x',
      '/v2/y/1': '/v2/y/:y',
      '/v1/v2/y/1': '/v1/:t/y/:y',
    },
  },
  {
    name: 'a RegExp has one name',
    build: (app) => void app.get(/^\/files\/(\d+)$/, ok).use('/v1/:v', routerWith(/^\/img\/.+/)),
    expected: {
      '/files/1': '/^\\/files\\/(\\d+)$/',
      '/files/2': '/^\\/files\\/(\\d+)$/',
      '/v1/1/img/x': '/v1/:v/^\\/img\\/.+/',
    },
  },
  {
    name: 'wildcards and optional parts of Express 4',
    for: '4',
    build(app) {
      app.get('/files/*', ok).get('/maybe/:id?', ok).get('/num/:n(\\d+)', ok).get('/ab+cd', ok)
      app.use('/wild/*', routerWith('/'))
    },
    expected: {
      '/files/a/b': '/files/*',
      '/maybe': '/maybe/:id?',
      '/maybe/1': '/maybe/:id?',
      '/num/5': '/num/:n(\\d+)',
      '/num/x': undefined,
      '/abbcd': '/ab+cd',
      '/wild/anything': '/wild/*',
    },
  },
  {
    name: 'optional parts and constraints in mounts of Express 4',
    for: '4',
    build: (app) =>
      void app.use('/:lang(en|de)?/docs', routerWith('/:page')).use('/n/:n(\\d+)', routerWith('/x')),
    expected: {
      '/en/docs/a': '/:lang(en|de)?/docs/:page',
      '/docs/a': '/:lang(en|de)?/docs/:page',
      '/n/12/x': '/n/:n(\\d+)/x',
    },
  },
  {
    name: 'wildcards and optional parts of Express 5',
    for: '5',
    build(app) {
      app.get('/files/*path', ok).get('/maybe{/:id}', ok).get('/:a-:b/pair', ok)
      app.use('/by/:from-:to', routerWith('/x'))
    },
    expected: {
      '/files/a/b': '/files/*path',
      '/maybe': '/maybe{/:id}',
      '/maybe/1': '/maybe{/:id}',
      '/x-y/pair': '/:a-:b/pair',
      '/by/one-two/x': '/by/:from-:to/x',
      '/by/by-x/x': '/by/:from-:to/x',
    },
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
    name: 'HEAD is answered by the GET route',
    build: (app) => void app.use('/v1/:v', routerWith('/x')),
    expected: { 'HEAD /v1/1/x': '/v1/:v/x' },
  },
  {
    name: 'a handler of router.use() that answers by itself is no route',
    build(app) {
      const guarded = express.Router()
      guarded.use((_req, res) => void res.status(401).json({}))
      guarded.get('/:id', ok)
      app.use('/guarded/:g', guarded)
    },
    expected: { '/guarded/1/2': undefined },
  },
  {
    name: "next('route') leads to the route that answers",
    build: (app) => void app.get('/a/:first', (_req, _res, next) => next('route')).get('/a/:second', ok),
    expected: { '/a/1': '/a/:second' },
  },
  {
    name: "next('router') leaves the router; what nobody answers is no route",
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
    name: 'an error keeps the name of the route that failed, wherever it is answered',
    build(app) {
      app.use('/a/:a', routerWith('/b/:b', fails))
      app.use('/own/:o', express.Router().use('/in/:i', routerWith('/fails', fails)).use(answers500))
      app.get('/later/:id', (_req, _res, next) => void setTimeout(() => next(new Error('late')), 1))
      app.use(answers500)
    },
    expected: {
      '/a/1/b/2': '/a/:a/b/:b',
      '/own/1/in/2/fails': '/own/:o/in/:i/fails',
      '/later/1': '/later/:id',
    },
  },
  {
    name: "an error that Express's own handler answers keeps the name",
    build: (app) =>
      void app.use(
        '/a/:a',
        routerWith('/b/:b', (_req, _res, next) => next(Object.assign(new Error('no'), { status: 409 }))),
      ),
    expected: { '/a/1/b/2': '/a/:a/b/:b' },
  },
  {
    name: 'an error in a mounted app that the outer app answers, at the first request already',
    build(app) {
      app.use('/a/:a', express().get('/b/:b', fails)).use(answers500)
    },
    expected: { '/a/1/b/2': '/a/:a/b/:b' },
  },
  {
    name: 'an error in a router of a mounted app that the outer app answers, at the first request already',
    build(app) {
      app.use('/a/:a', express().use('/r/:r', routerWith('/b/:b', fails))).use(answers500)
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
    name: 'case and trailing slashes',
    build: (app) =>
      void app.use('/Projects/:id', routerWith('/Tasks/')).get('/plain', ok).use('/lower', routerWith('/x')),
    expected: {
      '/Projects/1/Tasks/': '/Projects/:id/Tasks/',
      '/projects/1/tasks': '/Projects/:id/Tasks/',
      '/PLAIN/': '/plain',
      '/LOWER/X/': '/lower/x',
    },
  },
  {
    name: 'percent-encoded parameters',
    build: (app) => void app.use('/t/:t', routerWith('/u/:u')),
    expected: {
      '/t/a%2Fb/u/%F0%9F%98%80': '/t/:t/u/:u',
      '/t/%20/u/100%25': '/t/:t/u/:u',
      '/t/%C3%A9/u/x%2Fy': '/t/:t/u/:u',
    },
  },
  {
    name: 'a parameter that cannot be decoded',
    build: (app) => void app.use('/t/:t', routerWith('/u/:u')),
    expected: { '/t/%zz/u/1': undefined },
  },
  {
    name: 'values that look like fixed segments, other values, templates and expressions',
    build(app) {
      const tree = routerWith('/items/:iid', ok, { mergeParams: true })
      app.use('/v1/projects/:pid', tree).use('/:x/:y/z', routerWith('/:w'))
    },
    expected: {
      '/v1/projects/projects/items/items': '/v1/projects/:pid/items/:iid',
      '/v1/projects/v1/items/v1': '/v1/projects/:pid/items/:iid',
      '/v1/projects/:pid/items/:iid': '/v1/projects/:pid/items/:iid',
      '/v1/projects/$1/items/$&': '/v1/projects/:pid/items/:iid',
      '/v1/projects/a.b*c+(d)/items/[x]': '/v1/projects/:pid/items/:iid',
      '/a/a/z/a': '/:x/:y/z/:w',
      '/z/z/z/z': '/:x/:y/z/:w',
      '/1/11/z/111': '/:x/:y/z/:w',
    },
  },
  {
    name: 'a path at the root of the app that begins like a mount',
    build: (app) =>
      void app.use('/user', routerWith('/:id')).use('/users', routerWith('/:id')).get('/users-list', ok),
    expected: { '/user/1': '/user/:id', '/users/1': '/users/:id', '/users-list': '/users-list' },
  },
  {
    name: 'a router without a path, and one at /',
    build: (app) => void app.use(routerWith('/one/:id')).use('/', routerWith('/two/:id')),
    expected: { '/one/1': '/one/:id', '/two/1': '/two/:id' },
  },
  {
    name: 'a router that is the last of several handlers of its mount',
    build: (app) => void app.use('/a/:a', (_req, _res, next) => next(), routerWith('/b')),
    expected: { '/a/1/b': '/a/:a/b' },
  },
  {
    name: 'a route at / of a mount',
    build: (app) => void app.use('/list/:id', routerWith('/')),
    expected: { '/list/1': '/list/:id', '/list/1/': '/list/:id' },
  },
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
    name: 'a router that is made for each request',
    build: (app) => void app.use('/v1/:t', (req, res, next) => routerWith('/items/:id')(req, res, next)),
    expected: { '/v1/7/items/8': '/v1/:t/items/:id', '/v1/8/items/9': '/v1/:t/items/:id' },
  },
  {
    name: 'a mount that is a RegExp',
    build: (app) => void app.use(/^\/re\d+/, routerWith('/x')),
    expected: {
      '/re1/x': legacy ? '/(regexp)/x' : '/^\\/re\\d+/x',
      '/re22/x': legacy ? '/(regexp)/x' : '/^\\/re\\d+/x',
    },
  },
  {
    name: "an error with the status 404 that Express's own handler answers is no unmatched path",
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
    name: 'an app that a function of the app calls, by host as it were',
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
    name: 'a route with an empty path',
    build: (app) => void app.use('/v1/:t', routerWith('')),
    expected: { '/v1/1': '/v1/:t' },
  },
  {
    name: 'signs in fixed text that mean something in an expression',
    build: (app) =>
      void app
        .use('/a.b/:x', routerWith('/c.d'))
        .use('/meta$/:x'.replace('$', is4 ? '\\$' : '$'), routerWith('/y'))
        .use('/a-b_c~d/@:scope', routerWith('/y'))
        .use('/caf%C3%A9/:x', routerWith('/y')),
    expected: {
      '/a.b/1/c.d': '/a.b/:x/c.d',
      '/meta$/$1/y': is4 ? '/meta\\$/:x/y' : '/meta$/:x/y',
      '/a-b_c~d/@me/y': '/a-b_c~d/@:scope/y',
      '/caf%C3%A9/a%20b/y': '/caf%C3%A9/:x/y',
      '/caf%C3%A9/caf%C3%A9/y': '/caf%C3%A9/:x/y',
    },
  },
  {
    name: 'a route that is reached by two ways, each with parameters',
    build(app) {
      const shared = routerWith('/leaf/:l')
      app.use('/x/:x', express.Router().use('/a/:a', shared))
      app.use('/y/:y', express.Router().use('/b/:b', shared).use('/a/:c', shared))
    },
    expected: {
      '/x/1/a/2/leaf/3': '/x/:x/a/:a/leaf/:l',
      '/y/1/b/2/leaf/3': '/y/:y/b/:b/leaf/:l',
      '/y/1/a/2/leaf/3': '/y/:y/a/:c/leaf/:l',
      '/y/y/a/a/leaf/leaf': '/y/:y/a/:c/leaf/:l',
    },
  },
  {
    name: 'routers that tell case apart, and that are strict about slashes',
    build(app) {
      const router = express.Router({ caseSensitive: true, strict: true })
      router.use('/Foo/:x', routerWith('/a')).use('/foo/:y', routerWith('/a'))
      router.get('/end', ok).get('/end/', ok)
      app.use('/r', router)
    },
    expected: {
      '/r/Foo/1/a': '/r/Foo/:x/a',
      '/r/foo/1/a': '/r/foo/:y/a',
      '/r/FOO/1/a': undefined,
      '/r/end': '/r/end',
      '/r/end/': '/r/end/',
    },
  },
  {
    name: 'a router at a parameter and at fixed text that the parameter takes as well: the first answers',
    build(app) {
      const router = routerWith('/x')
      app.use('/v1', router).use('/:any', router)
    },
    expected: { '/v1/x': '/v1/x', '/v2/x': '/:any/x' },
  },
  {
    name: 'two routers at one place, of which the first passes on',
    build: (app) =>
      void app
        .use(
          '/v1/:t',
          routerWith('/x', (_req, _res, next) => next()),
        )
        .use('/v1/:u', routerWith('/x')),
    expected: { '/v1/1/x': '/v1/:u/x' },
  },
  {
    name: 'an app that is mounted at a list of paths, with a router at a list within',
    build: (app) =>
      void app.use(['/a', '/b/:b'], express().use(['/c', '/d/:d'], routerWith(['/e', '/f/:f']))),
    expected: {
      '/a/c/e': '/a/c/e',
      '/b/1/d/2/f/3': '/b/:b/d/:d/f/:f',
      '/a/d/c/f/e': '/a/d/:d/f/:f',
      '/b/a/c/e': '/b/:b/c/e',
    },
  },
  {
    name: 'routers nested eight deep',
    build(app) {
      let router = routerWith('/end/:e')
      for (let depth = 8; depth > 0; depth--) router = express.Router().use(`/l${depth}/:p${depth}`, router)
      app.use(router)
    },
    expected: {
      '/l1/1/l2/1/l3/1/l4/1/l5/1/l6/1/l7/1/l8/1/end/1':
        '/l1/:p1/l2/:p2/l3/:p3/l4/:p4/l5/:p5/l6/:p6/l7/:p7/l8/:p8/end/:e',
    },
  },
  {
    name: 'a param callback that fails keeps the name of the route',
    build(app) {
      const router = routerWith('/items/:id')
      router.param('id', (_req, _res, next) => next(new Error('no such item')))
      app.use('/t/:t', router).use(answers500)
    },
    expected: { '/t/1/items/2': '/t/:t/items/:id' },
  },
  {
    name: 'a middleware that answers at a path is no route',
    build: (app) => void app.use('/static/:x', (_req, res) => void res.send('file')).get('/static/:x', ok),
    expected: { '/static/1': undefined },
  },
  {
    name: 'mounts of Express 4 in every dialect, whatever they are asked first',
    for: '4',
    build(app) {
      app.use('/Camel/:userId', routerWith('/x')).use('/opt/:a?/end', routerWith('/x'))
      app.use('/re/:y(\\d{4})-:m(\\d\\d)', routerWith('/x')).use('/rest/:p*', routerWith('/x'))
      app.use('/img/:name.:ext', routerWith('/x')).use('/ab?c', routerWith('/x'))
      app.use(['/one/:o', '/two/*'], routerWith('/x')).use('/choice/:c(a|b(c|d))', routerWith('/x'))
    },
    expected: {
      '/camel/1/x': '/Camel/:userId/x',
      '/CAMEL/1/X': '/Camel/:userId/x',
      '/opt/end/x': '/opt/:a?/end/x',
      '/opt/1/end/x': '/opt/:a?/end/x',
      '/re/2026-11/x': '/re/:y(\\d{4})-:m(\\d\\d)/x',
      '/img/a.png/x': '/img/:name.:ext/x',
      '/ac/x': '/ab?c/x',
      '/one/1/x': '/one/:o/x',
      '/choice/bc/x': '/choice/:c(a|b(c|d))/x',
    },
  },
  {
    name: 'wildcards and optional parts in mounts of Express 5',
    for: '5',
    build: (app) =>
      void app
        .use('/opt{/:a}', routerWith('/end'))
        .use('/w/*rest/fixed', routerWith('/x'))
        .use('/img/:name.:ext', routerWith('/x')),
    expected: {
      '/opt/1/end': '/opt{/:a}/end',
      '/w/a/b/fixed/x': '/w/*rest/fixed/x',
      '/w/fixed/fixed/x': '/w/*rest/fixed/x',
      '/w/a%2Fb/fixed/x': '/w/*rest/fixed/x',
      '/img/a.png/x': '/img/:name.:ext/x',
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
]

async function namesOf(app: Express, calls: FinishedCall[], requests: string[]): Promise<Expected> {
  const server = await startServer(app)
  const names: Expected = {}
  for (const request of requests) {
    const [method = '', path] = request.startsWith('/') ? ['GET', request] : request.split(' ')
    const before = calls.length
    await send(`${server.url}${path}`, { method })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    names[request] = calls[before]?.route
  }
  await server.close()
  return names
}

function observedApp(): { app: Express; calls: FinishedCall[] } {
  const calls: FinishedCall[] = []
  const meter = { record: (call: FinishedCall) => void calls.push(call), ignore() {} } as unknown as Meter
  const app = express()
  app.set('env', 'test')
  app.use(pxUsage({ meter, identify: () => null }))
  return { app, calls }
}

describe(`names on ${alias}`, () => {
  it.each(cases.filter(({ for: dialect }) => dialect === undefined || (dialect === '4') === is4))(
    '$name',
    async ({ build, expected }) => {
      const { app, calls } = observedApp()
      build(app)
      expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
    },
  )

  it('routes, routers and mounts that are added after traffic began', async () => {
    const { app, calls } = observedApp()
    const router = routerWith('/first/:id')
    app.use('/a/:a', router)
    expect(await namesOf(app, calls, ['/a/1/first/2'])).toEqual({ '/a/1/first/2': '/a/:a/first/:id' })
    router.get('/second/:id', ok)
    app.use('/b/:b', router)
    app.get('/third', ok)
    const expected = {
      '/a/1/second/2': '/a/:a/second/:id',
      '/b/1/first/2': '/b/:b/first/:id',
      '/a/1/first/2': '/a/:a/first/:id',
      '/third': '/third',
    }
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  })

  it('a router that is mounted in a second place, deep in the tree, after it has answered', async () => {
    const { app, calls } = observedApp()
    const router = routerWith('/x')
    const outer = express.Router().use('/a', router)
    app.use('/t/:t', outer)
    expect(await namesOf(app, calls, ['/t/1/a/x'])).toEqual({ '/t/1/a/x': '/t/:t/a/x' })
    outer.use('/b/:b', router)
    const expected = { '/t/1/b/2/x': '/t/:t/b/:b/x', '/t/1/a/x': '/t/:t/a/x' }
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  })

  it('pxUsage mounted in an app or a router within', async () => {
    const { calls } = observedApp()
    const meter = { record: (call: FinishedCall) => void calls.push(call), ignore() {} } as unknown as Meter
    const router = express.Router().use(pxUsage({ meter, identify: () => null }))
    router.get('/x/:x', ok)
    const inner = express().use('/r/:r', router)
    const app = express().use('/in/:i', inner)
    expect(await namesOf(app, calls, ['/in/1/r/2/x/3'])).toEqual({ '/in/1/r/2/x/3': '/in/:i/r/:r/x/:x' })
  })

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
