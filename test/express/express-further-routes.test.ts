import { createRequire } from 'node:module'
import type { FinishedCall, Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import { describe, expect, inject, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'

const alias = inject('framework')
const { version } = createRequire(import.meta.url)(`${alias}/package.json`) as { version: string }
const is4 = version.startsWith('4.')
/** Routers that keep nothing of the path of a mount but closures. */
const legacy = /^5\.[012]\./.test(version)

type Path = string | RegExp | Array<string | RegExp>
type Expected = Record<string, string | undefined>
/** What it is about, the app, and the name of each call: `GET`, or the method given before the path. */
type Case = [about: string, build: (app: Express) => void, expected: Expected]

const ok: RequestHandler = (_req, res) => void res.json({})
const pass: RequestHandler = (_req, _res, next) => next()
const passLater: RequestHandler = (_req, _res, next) => void setTimeout(next, 1)
const toNextRoute: RequestHandler = (_req, _res, next) => next('route')
const leave: RequestHandler = (_req, _res, next) => next('router')
const fails: RequestHandler = () => {
  throw new Error('This handler always fails.')
}
const missing: RequestHandler = (_req, _res, next) =>
  next(Object.assign(new Error('no such thing'), { status: 404 }))
const answers =
  (status: number): RequestHandler =>
  (_req, res) =>
    void res.status(status).json({})
const onError: ErrorRequestHandler = (error, _req, res, _next) =>
  void res.status(error.status ?? 500).json({})
const onErrorPass: ErrorRequestHandler = (error, _req, _res, next) => next(error)
const rewrite =
  (from: string | RegExp, to: string): RequestHandler =>
  (req, _res, next) => {
    req.url = req.url.replace(from, to)
    next()
  }

/** A router with a route. */
const leaf = (path: Path, handler: RequestHandler = ok, options = {}): Router =>
  express.Router(options).get(path, handler)
const router = (options = {}) => express.Router(options)

const cases: Case[] = [
  // Mounts
  [
    'one router under mounts with other params, of which one is longer',
    (app) => {
      const items = leaf('/items/:id').get('/', ok)
      app.use('/users/:user', items).use('/teams/:team/users/:user', items).use('/', items)
    },
    {
      '/users/1/items/2': '/users/:user/items/:id',
      '/teams/users/users/1/items/items': '/teams/:team/users/:user/items/:id',
      '/items/1': '/items/:id',
      '/users/1': '/users/:user',
      '/teams/1/users/2/': '/teams/:team/users/:user',
    },
  ],
  [
    'a mount that takes what a longer one would: the first whose router has the route',
    (app) => {
      const items = leaf('/i')
      app.use('/a/:x', items).use('/a/:y/z', items)
    },
    { '/a/1/i': '/a/:x/i', '/a/1/z/i': '/a/:y/z/i', '/a/z/z/i': '/a/:y/z/i' },
  ],
  [
    'one router mounted twice at one place',
    (app) => {
      const items = leaf('/i/:i')
      app.use('/a/:a', items).use('/a/:a', items)
    },
    { '/a/1/i/2': '/a/:a/i/:i' },
  ],
  [
    'app, router, app, router, app, each with a param of the same name',
    (app) => {
      const e = express().get('/e/:id', ok)
      const d = router({ mergeParams: true }).use('/d/:id', e)
      const c = express().use('/c/:id', d)
      const b = router({ mergeParams: true }).use('/b/:id', c)
      app.use('/a/:id', express().use('/z/:id', b))
    },
    {
      '/a/1/z/1/b/1/c/1/d/1/e/1': '/a/:id/z/:id/b/:id/c/:id/d/:id/e/:id',
      '/a/a/z/z/b/b/c/c/d/d/e/e': '/a/:id/z/:id/b/:id/c/:id/d/:id/e/:id',
    },
  ],
  [
    'an app in a router that is mounted in two apps',
    (app) => {
      const inner = express().get('/in/:in', ok)
      const shared = router().use('/s/:s', inner)
      app.use('/one/:o', express().use('/x/:x', shared)).use('/two/:t', express().use('/y', shared))
    },
    {
      '/two/1/y/s/2/in/3': '/two/:t/y/s/:s/in/:in',
      '/one/1/x/1/s/1/in/1': '/one/:o/x/:x/s/:s/in/:in',
    },
  ],
  [
    'two apps at one path, of which the first passes on',
    (app) => {
      app.use('/a/:a', express().get('/only', ok)).use('/a/:b', express().get('/i/:i', ok))
    },
    { '/a/1/i/2': '/a/:b/i/:i', '/a/1/only': '/a/:a/only' },
  ],
  [
    'a list of handlers with routers in it, at a list of paths',
    (app) => {
      app.use((legacy ? ['/a', '/b/:b', '/c'] : ['/a', ['/b/:b', ['/c']]]) as string[], [
        pass,
        leaf('/x'),
        leaf('/y/:y'),
      ])
    },
    {
      '/a/x': '/a/x',
      '/b/1/y/2': '/b/:b/y/:y',
      '/c/y/c': '/c/y/:y',
    },
  ],
  [
    'a list of strings and expressions, of a route',
    (app) => {
      app.get(['/a/:a', /^\/b(\d+)$/, '/c', /^\/d/, '/e/:e'], ok)
      app.use('/m/:m', leaf([/^\/x$/, '/:y']))
    },
    {
      '/a/1': '/a/:a',
      '/b12': '/^\\/b(\\d+)$/',
      '/c': '/c',
      '/d1': '/^\\/d/',
      '/e/e': '/e/:e',
      '/m/1/x': '/m/:m/^\\/x$/',
      '/m/1/z': '/m/:m/:y',
    },
  ],
  [
    'a list of strings and expressions, of a mount',
    (app) => {
      app.use(['/a/:a', /^\/b\d+/, '/c'], leaf('/x'))
    },
    {
      '/a/1/x': '/a/:a/x',
      '/b12/x': legacy ? '/(regexp)/x' : '/^\\/b\\d+/x',
      '/c/x': '/c/x',
    },
  ],
  [
    'mounts with a slash at the end, an empty path, and slashes of their own',
    (app) => {
      app.use('/end/', leaf('/x')).use('', leaf('/empty/:e')).use('/p/:p/', leaf('/'))
    },
    { '/end/x': '/end/x', '/empty/1': '/empty/:e', '/p/1': '/p/:p', '/p/1/': '/p/:p' },
  ],
  [
    'a param at the root, and what it may not take',
    (app) => {
      app.use('/:tenant', leaf('/x/:x').get('/', ok)).get('/a/b/c', ok)
    },
    { '/a': '/:tenant', '/a/x/b': '/:tenant/x/:x', '/a/b/c': '/a/b/c', '/a/b': undefined },
  ],
  [
    'double slashes and dots in a path',
    (app) => {
      app.use('/v1', leaf('/x/:x'))
    },
    {
      '/v1//x/1': is4 ? '/v1/x/:x' : undefined,
      '/v1/x/..': '/v1/x/:x',
      '/v1/x/.': '/v1/x/:x',
      '//v1/x/1': undefined,
    },
  ],
  [
    'an expression with flags, with groups, and without an anchor',
    (app) => {
      app.get(/^\/year\/(\d{4})$/i, ok).get(/fly$/, ok)
      app.use('/m', leaf(/^\/([a-z]+)-([a-z]+)$/))
    },
    {
      '/YEAR/2026': '/^\\/year\\/(\\d{4})$/i',
      '/butterfly': '/fly$/',
      '/dragon/fly': '/fly$/',
      '/m/a-b': '/m/^\\/([a-z]+)-([a-z]+)$/',
    },
  ],
  // Who answers
  [
    'a guard for everything that is a route',
    (app) => {
      app.all(is4 ? '*' : '/*all', pass)
      app.get('/a/:a', ok).use('/m/:m', leaf('/x'))
    },
    { '/a/1': '/a/:a', '/m/1/x': '/m/:m/x', '/nothing': undefined },
  ],
  [
    "a route that passes on to the app's own 404 handler",
    (app) => {
      app.all(is4 ? '/guard/*' : '/guard/*all', pass)
      app.get('/passed/:x', passLater).get('/left/:x', toNextRoute).get('/fixed', pass)
      app.use('/r/:r', leaf('/x', leave))
      app.use(answers(404)).use(onError)
    },
    {
      '/passed/1': undefined,
      '/left/1': undefined,
      '/fixed': undefined,
      '/r/1/x': undefined,
      '/guard/1': undefined,
      '/nothing': undefined,
    },
  ],
  [
    "a route that passes on to a router's or a mounted app's own 404 handler",
    (app) => {
      app.use('/r/:r', leaf('/x/:x', pass).use(answers(404)))
      app.use('/a/:a', express().get('/x/:x', pass).use(answers(404))).use(onError)
    },
    { '/r/1/x/2': undefined, '/a/1/x/2': undefined },
  ],
  [
    'a route that answers 404 itself, or by an error, beside a 404 handler',
    (app) => {
      app.get('/own/:x', answers(404)).get('/fails/:x', missing).get('/fixed', missing)
      app.use('/r/:r', leaf('/x', missing).get('/y', answers(404)))
      app.use('/a/:a', express().get('/x', missing).get('/y', answers(404)))
      app.use(answers(404)).use(onErrorPass).use(onError)
    },
    {
      '/own/1': '/own/:x',
      '/fails/1': '/fails/:x',
      '/fixed': '/fixed',
      '/r/1/x': '/r/:r/x',
      '/r/1/y': '/r/:r/y',
      '/a/1/x': '/a/:a/x',
      '/a/1/y': '/a/:a/y',
    },
  ],
  [
    'a route whose params are merged with those of a mount, and that answers 404 itself, beside a 404 handler',
    (app) => {
      const merging = express.Router({ mergeParams: true })
      merging.get('/', answers(404)).get('/x', answers(404)).get('/y/:y', answers(404)).get('/passed', pass)
      app.use('/m/:m', merging).get('/fixed', answers(404)).use(answers(404))
    },
    {
      '/m/1': '/m/:m',
      '/m/1/x': '/m/:m/x',
      '/m/1/y/2': '/m/:m/y/:y',
      '/m/1/passed': undefined,
      '/fixed': '/fixed',
    },
  ],
  [
    'a route whose params are merged, added after traffic began, that answers 404 itself beside a 404 handler',
    (app) => {
      const growing = express.Router()
      growing.get('/grow', (_req, res) => {
        const merging = express.Router({ mergeParams: true }).get('/x', answers(404))
        res.end().on('close', () => growing.use('/m/:m', merging))
      })
      app.use('/r', growing).get('/passed', pass).use(answers(404))
    },
    { '/passed': undefined, '/r/grow': '/r/grow', '/r/m/1/x': '/r/m/:m/x' },
  ],
  [
    'a route of an expression that answers 404 itself, beside a 404 handler',
    (app) => {
      app
        .get(/^\/own\/\d+$/, answers(404))
        .get(/^\/passed\/\d+$/, pass)
        .use(answers(404))
    },
    { '/own/1': String(/^\/own\/\d+$/), '/passed/1': undefined },
  ],
  [
    'a 404 handler that makes an error of it: it cannot be told from an error of the route',
    (app) => {
      app.get('/passed/:x', pass).use(missing).use(onError)
    },
    { '/passed/1': '/passed/:x', '/nothing': undefined },
  ],
  [
    'a route that leaves the answer to a middleware behind it',
    (app) => {
      app.get('/data/:x', pass).use((_req, res) => void res.json({ data: true }))
    },
    { '/data/1': '/data/:x', '/other': undefined },
  ],
  [
    'a middleware of a router that answers, before and behind its routes',
    (app) => {
      const guarded = router().use('/closed', answers(401)).get('/closed/:x', ok).get('/open/:x', ok)
      app.use('/g/:g', guarded.use(answers(404)))
    },
    { '/g/1/closed/2': undefined, '/g/1/open/2': '/g/:g/open/:x', '/g/1/nothing': undefined },
  ],
  [
    'errors before any route',
    (app) => {
      app.use('/a/:a', router().use(fails).get('/x', ok)).use('/b', fails)
      app.use(onError)
    },
    { '/a/1/x': undefined, '/b/1': undefined },
  ],
  [
    'error handlers: of a router, at a path, one that passes on, one that fails',
    (app) => {
      app.use('/r/:r', leaf('/x', fails).use('/y', onErrorPass).use(onError))
      app.use('/p/:p', leaf('/x/:x', fails)).use('/p/:q/x', onError)
      app.get('/both/:b', fails).use('/both', onErrorPass, (() => {
        throw new Error('the handler fails')
      }) as ErrorRequestHandler)
    },
    { '/r/1/x': '/r/:r/x', '/p/1/x/2': '/p/:p/x/:x', '/both/1': '/both/:b' },
  ],
  [
    'an error of the second handler of a route, and one that the route handles itself',
    (app) => {
      app.get('/second/:x', pass, fails)
      app.route('/own/:x').get(fails, onError as unknown as RequestHandler)
      app.use(onError)
    },
    { '/second/1': '/second/:x', '/own/1': '/own/:x' },
  ],
  [
    'a guard of the route that answers, or that goes on to the next route',
    (app) => {
      app.get('/a/:a', answers(403), ok).get('/b/:b', toNextRoute, ok).get('/b/:c', ok)
    },
    { '/a/1': '/a/:a', '/b/1': '/b/:c' },
  ],
  [
    "next('router') out of two routers into a third",
    (app) => {
      const inner = leaf('/x/:x', leave).get('/x/:never', ok)
      const middle = router().use('/m/:m', inner).get('/m/:after/x/:x', ok)
      app.use('/o/:o', middle)
    },
    { '/o/1/m/2/x/3': '/o/:o/m/:after/x/:x' },
  ],
  [
    'methods: HEAD, a method that has no route, all, OPTIONS',
    (app) => {
      app.head('/head/:h', ok).get('/head/:g', ok).post('/post/:p', ok)
      app.route('/r/:r').all(pass).put(ok)
      app.options('/o/:o', ok).get('/auto/:a', ok)
    },
    {
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
  ],
  [
    'HEAD on a route of another method, with a 404 handler',
    (app) => {
      app.post('/post/:p', ok).use(answers(404))
    },
    { 'HEAD /post/1': undefined },
  ],
  [
    'files: a folder that has them or not, one that a route sends',
    (app) => {
      app.use('/static/:s', express.static(import.meta.dirname))
      app.get('/file/:f', (_req, res) => void res.sendFile(import.meta.filename))
      app.get('/none/:f', (_req, res) => void res.sendFile(`${import.meta.filename}.none`))
      app.get('/download/:f', (_req, res) => void res.download(import.meta.filename))
      app.get('/to/:f', (_req, res) => void res.redirect('/'))
    },
    {
      '/static/1/adapter-contract.test.ts': undefined,
      '/static/1/none': undefined,
      '/file/1': '/file/:f',
      '/none/1': '/none/:f',
      '/download/1': '/download/:f',
      '/to/1': '/to/:f',
    },
  ],
  [
    'a param callback that passes to the next route, that answers, and that waits',
    (app) => {
      const r = leaf('/:id').get('/:other', ok)
      r.param('id', (_req, res, next, id) => {
        if (id === 'skip') next('route')
        else if (id === 'answer') res.json({})
        else setTimeout(next, 1)
      })
      app.use('/p/:p', r)
    },
    { '/p/1/x': '/p/:p/:id', '/p/1/skip': '/p/:p/:other', '/p/1/answer': '/p/:p/:id' },
  ],
  // Paths
  [
    'case and slashes as the app sets them',
    (app) => {
      const strict = router({ strict: true, caseSensitive: true })
      strict
        .get('/A/:x', ok)
        .get('/a/:x/', ok)
        .use('/m/:m', leaf('/', ok, { strict: true }))
      app.use('/s', strict)
      app.use('/App', express().enable('strict routing').enable('case sensitive routing').get('/X/', ok))
    },
    {
      '/s/A/1': '/s/A/:x',
      '/s/a/1/': '/s/a/:x/',
      '/s/A/1/': undefined,
      '/s/m/1/': '/s/m/:m',
      '/App/X/': '/App/X/',
      '/app/X': undefined,
      '/app/x/': undefined,
    },
  ],
  [
    'values in every spelling, in the mount and in the route',
    (app) => {
      app.use('/m/:m', leaf('/x/:x', ok, { mergeParams: true }))
    },
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
        '~',
        "'",
        '%E2%80%AE',
        'm',
        'x',
        '-',
        '%5B%5D',
        '%2e%2e',
        'a%3Fb',
        'a%23b',
        '{a}',
        'px9usage9marker',
        'x'.repeat(2000),
      ].flatMap((value) => [
        [`/m/${value}/x/${value}`, '/m/:m/x/:x'],
        [`/m/${value}/x/1`, '/m/:m/x/:x'],
        [`/M/m/X/${value}?m=${value}`, '/m/:m/x/:x'],
      ]),
    ),
  ],
  [
    'several params in one segment of a mount',
    (app) => {
      app.use('/f/:from-:to', leaf('/x')).use('/v:major.:minor', leaf('/:x'))
    },
    {
      '/f/a-b/x': '/f/:from-:to/x',
      '/f/a-a/x': '/f/:from-:to/x',
      '/f/f-f/x': '/f/:from-:to/x',
      '/v1.1/v1.1': '/v:major.:minor/:x',
      '/v1.2/a': '/v:major.:minor/:x',
    },
  ],
  [
    'a value that is the fixed text before or behind it',
    (app) => {
      app.use('/a/:a/a/:b/a', leaf('/a/:c')).use('/:x/b/:y/b/:z', leaf('/'))
    },
    {
      '/a/a/a/a/a/a/a': '/a/:a/a/:b/a/a/:c',
      '/a/1/a/a/a/a/1': '/a/:a/a/:b/a/a/:c',
      '/b/b/b/b/b': '/:x/b/:y/b/:z',
      '/1/b/b/b/1': '/:x/b/:y/b/:z',
    },
  ],
  [
    'a URL rewritten inside of a router, of an app, and to another mount',
    (app) => {
      app.use('/r/:r', router().use(rewrite('/old', '/new')).get('/new/:n', ok))
      app.use('/a/:a', express().use(rewrite('/old', '/new')).get('/new/:n', ok))
      const shared = leaf('/s/:s')
      app
        .use(rewrite(/^\/short\/(\w+)/, '/long/of/$1'))
        .use('/long/of/:l', shared)
        .use('/:x/of/:y', shared)
    },
    {
      '/r/1/old/2': '/r/:r/new/:n',
      '/a/1/old/2': '/a/:a/new/:n',
      '/short/1/s/2': '/long/of/:l/s/:s',
      '/other/of/1/s/2': '/:x/of/:y/s/:s',
    },
  ],
  [
    'a URL that the handler itself changes, or a middleware behind the route',
    (app) => {
      const shared = router().get('/s/:s', (req, res) => {
        req.url = '/changed'
        res.json({})
      })
      app.use('/a/:a', shared).use('/b/:b', shared)
    },
    { '/a/1/s/2': '/a/:a/s/:s', '/b/1/s/2': '/b/:b/s/:s' },
  ],
  [
    'a path with a query that looks like a path, and an absolute one',
    (app) => {
      const shared = leaf('/s/:s')
      app.use('/a/:a', shared).use('/b/:b', shared)
    },
    { '/b/1/s/2?next=/a/1/s/2': '/b/:b/s/:s', '/a/1/s/2?': '/a/:a/s/:s', '/b/?/s/1': undefined },
  ],
  // Functions in between
  [
    'routers and apps behind functions',
    (app) => {
      const one = leaf('/x/:x')
      const two = leaf('/x/:x')
      const inner = express().use('/i/:i', leaf('/x/:x'))
      app.use('/f/:f', (req, res, next) => one(req, res, next))
      app.use('/h/:h', (req, res, next) =>
        (two as unknown as { handle: RequestHandler }).handle(req, res, next),
      )
      app.use('/a/:a', (req, res, next) => inner(req, res, next))
      app.get('/g/:g', (req, res, next) => one(req, res, next))
    },
    {
      '/f/1/x/2': '/f/:f/x/:x',
      '/h/1/x/2': '/h/:h/x/:x',
      '/a/1/i/2/x/3': '/a/:a/i/:i/x/:x',
    },
  ],
  [
    'apps by host, with the same paths',
    (app) => {
      const hosts: Record<string, Express> = {
        a: express().get('/v/:a', ok).use('/r/:ra', leaf('/x')),
        b: express().get('/:b/1', ok).use('/:rb/:rc', leaf('/x')),
      }
      app.use((req, res, next) => hosts[String(req.query.host)]?.(req, res, next) ?? next())
    },
    {
      '/v/1?host=a': '/v/:a',
      '/v/1?host=b': '/:b/1',
      '/r/1/x?host=a': '/r/:ra/x',
      '/r/1/x?host=b': '/:rb/:rc/x',
    },
  ],
]

const cases4: Case[] = [
  [
    'routes and mounts with stars, groups, optional parts and expressions',
    (app) => {
      for (const path of [
        '/s/*',
        '/p/:x(\\d+)',
        '/o/:a?/:b?',
        '/e/a.b',
        '/g/ab(cd)?e',
        '/w/:a-:b',
        '/m/*/end',
        '/q/:v?/end',
        '/plus/a+',
        '/t/:tail+',
      ])
        app.use('/mount', leaf('/never')).use(`/in${path}`, leaf('/leaf')).get(path, ok)
    },
    {
      '/s/a/b': '/s/*',
      '/p/12': '/p/:x(\\d+)',
      '/o': '/o/:a?/:b?',
      '/o/1/2': '/o/:a?/:b?',
      '/e/a.b': '/e/a.b',
      '/g/abcde': '/g/ab(cd)?e',
      '/g/abe': '/g/ab(cd)?e',
      '/w/1-2': '/w/:a-:b',
      '/m/x/y/end': '/m/*/end',
      '/q/end': '/q/:v?/end',
      '/plus/aaa': '/plus/a+',
      '/in/p/12/leaf': '/in/p/:x(\\d+)/leaf',
      '/in/e/a.b/leaf': '/in/e/a.b/leaf',
      '/in/g/abcde/leaf': '/in/g/ab(cd)?e/leaf',
      '/in/w/1-2/leaf': '/in/w/:a-:b/leaf',
      '/in/m/x/end/leaf': '/in/m/*/end/leaf',
      '/in/q/1/end/leaf': '/in/q/:v?/end/leaf',
      '/in/plus/aa/leaf': '/in/plus/a+/leaf',
    },
  ],
  [
    'a star for everything',
    (app) => void app.get('/x', ok).get('*', ok),
    { '/x': '/x', '/a/b': '*', '/': '*' },
  ],
  [
    'a star in a mount',
    (app) =>
      void app
        .use(
          '/api/*',
          router().use((_req, res) => void res.json({})),
        )
        .use('/w/*/v', leaf('/x')),
    { '/api/x': undefined, '/w/1/v/x': '/w/*/v/x' },
  ],
]

const cases5: Case[] = [
  [
    'routes and mounts with wildcards, optional parts and escapes',
    (app) => {
      for (const path of [
        '/s/*splat',
        '/o{/:a}{/:b}',
        '/e/a\\*b',
        '/q{/:v}/end',
        '/m/*mid/end',
        '/f/:name{.:ext}',
        '/c/\\:id',
        '/r{/*rest}',
        '/r{/*rest}/x',
      ])
        app.use(`/in${path}`, leaf('/leaf')).get(path, ok)
    },
    {
      '/s/a/b': '/s/*splat',
      '/o': '/o{/:a}{/:b}',
      '/o/1/2': '/o{/:a}{/:b}',
      '/e/a*b': '/e/a\\*b',
      '/q/end': '/q{/:v}/end',
      '/m/x/y/end': '/m/*mid/end',
      '/f/a.txt': '/f/:name{.:ext}',
      '/f/a': '/f/:name{.:ext}',
      '/c/:id': '/c/\\:id',
      '/r': '/r{/*rest}',
      '/in/o/1/2/leaf': '/in/o{/:a}{/:b}/leaf',
      '/in/r/1/2/x/leaf': '/in/r{/*rest}/x/leaf',
      '/in/r/x/leaf': '/in/r{/*rest}/x/leaf',
      '/in/q/1/end/leaf': '/in/q{/:v}/end/leaf',
      '/in/q/end/leaf': '/in/q{/:v}/end/leaf',
      '/in/m/x/end/leaf': '/in/m/*mid/end/leaf',
      '/in/e/a*b/leaf': '/in/e/a\\*b/leaf',
      '/in/c/:id/leaf': '/in/c/\\:id/leaf',
    },
  ],
  [
    'a wildcard for everything',
    (app) => void app.get('/x', ok).get('/{*all}', ok),
    { '/x': '/x', '/a/b': '/{*all}', '/': '/{*all}' },
  ],
  [
    'an error of an async handler',
    (app) => {
      app
        .use(
          '/a/:a',
          leaf('/x', async () => {
            throw new Error('rejected')
          }),
        )
        .use(onError)
    },
    { '/a/1/x': '/a/:a/x' },
  ],
]

async function namesOf(app: Express, calls: FinishedCall[], requests: string[]): Promise<Expected> {
  const server = await startServer(app)
  const names: Expected = {}
  for (const request of requests) {
    const [method = '', path = ''] = request.startsWith('/') ? ['GET', request] : request.split(' ')
    const before = calls.length
    await send(server.url, { method, path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    names[request] = calls[before]?.route
  }
  await server.close()
  return names
}

function observedApp(): { app: Express; calls: FinishedCall[]; usage: RequestHandler } {
  const calls: FinishedCall[] = []
  const meter = { record: (call: FinishedCall) => void calls.push(call), ignore() {} } as unknown as Meter
  const usage = pxUsage({ meter, identify: () => null, ignore: [] }) as unknown as RequestHandler
  const app = express()
  app.set('env', 'test')
  app.use(usage)
  return { app, calls, usage }
}

describe(`further names on ${alias}`, () => {
  it.each([...cases, ...(is4 ? cases4 : cases5)])('%s', async (_about, build, expected) => {
    const { app, calls } = observedApp()
    build(app)
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  })

  it('one router in two apps that share the middleware', async () => {
    const { app, calls, usage } = observedApp()
    const shared = leaf('/s/:s').use('/in/:in', express().get('/x', ok))
    app.use('/a/:a', shared)
    const other = express().use(usage).use('/:b', pass).use('/:b/:c', shared)
    const expected = { '/a/1/s/2': '/a/:a/s/:s', '/a/1/in/2/x': '/a/:a/in/:in/x' }
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
    calls.length = 0
    const others = { '/a/1/s/2': '/:b/:c/s/:s', '/a/1/in/2/x': '/:b/:c/in/:in/x' }
    expect(await namesOf(other, calls, Object.keys(others))).toEqual(others)
  })

  it('the middleware at a path, in a route, and twice with two meters', async () => {
    const { calls, usage } = observedApp()
    const again = observedApp()
    const app = express().use('/api', usage, again.usage)
    app.use('/api/v/:v', express().get('/x/:x', ok).get('/passed', pass))
    app.get('/own/:own', usage, again.usage, ok).use(answers(404))
    const expected = { '/api/v/1/x/2': '/api/v/:v/x/:x', '/own/1': '/own/:own', '/api/v/1/passed': undefined }
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
    expect(again.calls.map(({ route }) => route)).toEqual(Object.values(expected))
  })

  it('apps of another Express within', async () => {
    const { app, calls } = observedApp()
    const load = createRequire(import.meta.url)
    const other = load(is4 ? 'express-5.3' : 'express-4.21') as typeof express
    const inner = other().get('/x/:x', ok as never)
    inner.use('/r/:r', other.Router().get('/y', ok as never))
    app.use('/o/:o', inner as unknown as RequestHandler)
    app.use('/q/:q', other.Router().get('/z', ok as never) as unknown as RequestHandler)
    const expected = { '/o/1/x/2': '/o/:o/x/:x', '/o/1/r/2/y': '/o/:o/r/:r/y', '/q/1/z': '/q/:q/z' }
    expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  })

  it('routers that are exchanged, and routes that are added while a request is under way', async () => {
    const { app, calls } = observedApp()
    const live = leaf('/old')
    app.use('/l/:l', live)
    live.get('/add', (_req, res) => {
      live.get('/added', ok)
      app.use('/m/:m', live)
      res.json({})
    })
    const before = { '/l/1/old': '/l/:l/old', '/l/1/add': '/l/:l/add', '/m/1/added': '/m/:m/added' }
    expect(await namesOf(app, calls, Object.keys(before))).toEqual(before)
    const { stack } = live as unknown as { stack: unknown[] }
    stack[0] = (leaf('/new') as unknown as { stack: unknown[] }).stack[0]
    const after = { '/l/1/new': '/l/:l/new', '/m/1/new': '/m/:m/new', '/l/1/old': undefined }
    expect(await namesOf(app, calls, Object.keys(after))).toEqual(after)
  })

  it('objects that inherit from a request have params of their own', async () => {
    const { app, calls } = observedApp()
    const inner = leaf('/inner/:id', (req, res) => void res.json(req.params))
    app.get('/outer/:id', (req, res, next) => {
      const own = Object.assign(Object.create(req), { url: '/inner/own' })
      inner(own, { ...res, json: () => res.json([req.params, own.params]) } as never, next)
    })
    // Only behind routes a handler makes a request watched.
    app.use(answers(404))
    const server = await startServer(app)
    const { body } = await send(`${server.url}/outer/1`)
    await server.close()
    expect(JSON.parse(body)).toEqual([{ id: '1' }, { id: 'own' }])
    expect(calls.map(({ route }) => route)).toEqual(['/outer/:id'])
  })
})
