import Koa, { type Context } from 'koa'
import { describeNames, keyed, koaRoute, mount, ok, pass, respond, small } from '../support/koa-cases.ts'

describeNames('a call by its route', [
  {
    name: 'plain routes',
    build: (app, Router) => app.use(small(Router).post('/users', ok).routes()),
    expected: {
      'GET /': '/',
      'GET /users': '/users',
      'POST /users': '/users',
      'GET /users/7': '/users/:id',
      'HEAD /users/7': '/users/:id',
      'GET /users/7/': '/users/:id',
      'GET /USERS/7': '/users/:id',
      'GET /users/7?x=/users': '/users/:id',
      'GET /users/users': '/users/:id',
      'GET /users/%2Fa%20b': '/users/:id',
      'GET /users/$&': '/users/:id',
      'GET /users/7/no': undefined,
      'GET /none': undefined,
    },
  },
  {
    name: 'a static route beside one with a param',
    build: (app, Router) => {
      const router = new Router().get('/users/me', ok).get('/users/:id', ok)
      app.use(router.routes())
    },
    expected: { 'GET /users/me': '/users/me', 'GET /users/7': '/users/:id' },
  },
  {
    name: 'a prefix',
    build: (app, Router) => app.use(small(Router, { prefix: '/v2' }).routes()),
    expected: { 'GET /v2': '/v2', 'GET /v2/users/7': '/v2/users/:id', 'GET /users/7': undefined },
  },
  {
    name: 'a prefix with a param',
    build: (app, Router) => app.use(small(Router, { prefix: '/tenants/:tid' }).routes()),
    expected: { 'GET /tenants/42/users/42': '/tenants/:tid/users/:id', 'GET /tenants/42': '/tenants/:tid' },
  },
  {
    name: 'a prefix given later',
    build: (app, Router) => app.use(small(Router).prefix('/late').routes()),
    expected: { 'GET /late/users/7': '/late/users/:id' },
  },
  {
    name: 'nested routers',
    build: (app, Router) => {
      const items = new Router().get('/:iid', ok).get('/', ok)
      const projects = new Router({ prefix: '/projects' })
        .get('/:pid', ok)
        .use('/:pid/items', items.routes(), items.allowedMethods())
      app.use(new Router({ prefix: '/v1' }).use(projects.routes()).routes())
    },
    expected: {
      'GET /v1/projects/1': '/v1/projects/:pid',
      'GET /v1/projects/1/items': '/v1/projects/:pid/items',
      'GET /v1/projects/1/items/1': '/v1/projects/:pid/items/:iid',
    },
  },
  {
    name: 'one router at two places',
    build: (app, Router) => {
      const users = small(Router)
      app.use(new Router().use('/a', users.routes()).use('/b', users.routes()).routes())
    },
    expected: { 'GET /a/users/7': '/a/users/:id', 'GET /b/users/7': '/b/users/:id' },
  },
  {
    name: 'paths in a list',
    build: (app, Router) => app.use(new Router().get(['/a/:x', '/b/:y'], ok).routes()),
    expected: { 'GET /a/1': '/a/:x', 'GET /b/1': '/b/:y' },
  },
  {
    name: 'a RegExp',
    build: (app, Router) => app.use(new Router().get(/^\/files\/(.+)$/, ok).routes()),
    expected: { 'GET /files/a/b.txt': '/^\\/files\\/(.+)$/', 'GET /files/c': '/^\\/files\\/(.+)$/' },
  },
  {
    name: 'a redirect',
    build: (app, Router) => app.use(new Router().redirect('/old', '/new').routes()),
    expected: { 'GET /old': '/old', 'GET /new': undefined },
  },
  {
    name: 'routes added after traffic began',
    isChanging: true,
    build: (app, Router) => {
      const router = new Router().get('/first', ok)
      router.get('/add', (ctx: Context) => {
        router.get('/added/:id', ok)
        ok(ctx)
      })
      app.use(router.routes())
    },
    expected: {
      'GET /added/1': undefined,
      'GET /add': '/add',
      'GET /added/2': '/added/:id',
      'GET /first': '/first',
    },
  },
  {
    name: 'routes of koa-route',
    build: (app) => {
      app.use(koaRoute.get('/pets/:id', ok))
      app.use(mount('/zoo', new Koa().use(koaRoute.get('/pets/:id', ok))))
    },
    expected: { 'GET /pets/7': '/pets/:id', 'GET /zoo/pets/7': '/zoo/pets/:id', 'GET /zoo': undefined },
  },
  {
    name: 'optional params, patterns and wildcards',
    for: 'older',
    build: (app, Router) => {
      const router = new Router().get('/a/:x?', ok).get('/b/:n(\\d+)', ok).get('/c/(.*)', ok)
      app.use(router.routes())
    },
    expected: {
      'GET /a': '/a/:x?',
      'GET /a/1': '/a/:x?',
      'GET /b/1': '/b/:n(\\d+)',
      'GET /b/x': undefined,
      'GET /c/d/e': '/c/(.*)',
    },
  },
  {
    name: 'optional parts and wildcards',
    for: 'newer',
    build: (app, Router) => app.use(new Router().get('/a{/:x}', ok).get('/c/*rest', ok).routes()),
    expected: { 'GET /a': '/a{/:x}', 'GET /a/1': '/a{/:x}', 'GET /c/d/e': '/c/*rest' },
  },
  {
    name: 'prefixes with params, nested three deep, with the same name',
    build: (app, R) => {
      const c = new R({ prefix: '/c/:id' }).get('/', ok).get('/x/:x', ok)
      const b = new R({ prefix: '/b/:id' }).get('/', ok).use(c.routes())
      app.use(new R({ prefix: '/a/:id' }).get('/', ok).use('/m/:id', b.routes()).routes())
    },
    expected: {
      '/a/1': '/a/:id',
      '/a/1/m/1/b/1': '/a/:id/m/:id/b/:id',
      '/a/a/m/m/b/b/c/c': '/a/:id/m/:id/b/:id/c/:id',
      '/a/1/m/1/b/1/c/1/x/c': '/a/:id/m/:id/b/:id/c/:id/x/:x',
      '/a/1/m/1': undefined,
    },
  },
  {
    name: 'one router under other params',
    build: (app, R) => {
      const items = new R().get('/items/:id', ok).get('/', ok)
      const outer = new R().use('/users/:user', items.routes())
      outer.use('/teams/:team/users/:user', items.routes()).use(items.routes())
      app.use(outer.routes())
    },
    expected: {
      '/users/1/items/2': '/users/:user/items/:id',
      '/teams/users/users/items/items/1': '/teams/:team/users/:user/items/:id',
      '/items/1': '/items/:id',
      '/users/1': '/users/:user',
      '/teams/1/users/2/': '/teams/:team/users/:user',
    },
  },
  {
    name: 'a prefix given when there are routes, guards and nested routers',
    build: (app, R) => {
      const inner = new R().get('/i/:i', ok)
      const router = new R().use(keyed).get('/x/:x', ok).use('/n/:n', inner.routes())
      app.use(router.prefix('/late/:l').routes())
    },
    expected: {
      '/late/1/n/2/i/3?key=1': '/late/:l/n/:n/i/:i',
      '/late/1/x/2?key=1': '/late/:l/x/:x',
    },
  },
  {
    name: 'named routes, and redirects between them',
    build: (app, R) => {
      const router = new R().get('home', '/home', ok).get('user', '/users/:id', ok)
      app.use(router.redirect('/start', 'home', 302).redirect('/old/:id', '/users/1').routes())
    },
    expected: {
      '/home': '/home',
      '/users/1': '/users/:id',
      '/start': '/start',
      '/old/7': '/old/:id',
      'POST /start': '/start',
    },
  },
  {
    name: 'HEAD, OPTIONS, del(), all() and several methods of one path',
    build: (app, R) => {
      const router = new R().all('/all/:a', ok).get('/m/:get', ok).post('/m/:post', ok)
      router.put('/m/:put', ok).del('/m/:del', ok).head('/h/:h', respond(200))
      app.use(router.options('/o/:o', ok).routes()).use(router.allowedMethods())
    },
    expected: {
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
  },
  {
    name: 'case and slashes as the options of the router say',
    build: (app, R) => {
      app.use(new R({ sensitive: true, strict: true }).get('/A/:x', ok).get('/a/:x/', ok).routes())
      app.use(new R({ prefix: '/P', sensitive: false }).get('/Q/:q', ok).routes())
    },
    expected: {
      '/A/1': '/A/:x',
      '/A/1/': undefined,
      '/a/1/': '/a/:x/',
      '/a/1': undefined,
      '/p/q/1': '/P/Q/:q',
      '/P/Q/1/': '/P/Q/:q',
    },
  },
  {
    name: 'values in every spelling, in the prefix and in the route',
    build: (app, R) => app.use(mount('/m', new R({ prefix: '/p/:p' }).get('/x/:x', ok).routes())),
    expected: Object.fromEntries(
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
  },
  {
    name: 'expressions with flags, without anchors, and two that match',
    build: (app, R) => {
      const router = new R()
        .get(/^\/a\/(\d+)$/i, pass)
        .get(/^\/a\/(.+)$/, ok)
        .get(/fly$/, ok)
      app.use(mount('/m', router.routes())).use(router.routes())
    },
    expected: {
      '/a/1': '/^\\/a\\/(.+)$/',
      '/A/1': '/^\\/a\\/(\\d+)$/i',
      '/butterfly': '/fly$/',
      '/m/a/x': '/m/^\\/a\\/(.+)$/',
    },
  },
  {
    name: 'the last route that matches in an exclusive router',
    build: (app, R) => {
      const router = new R({ exclusive: true }).get('/:any', ok).get('/x', ok).get('/:other', ok)
      app.use(router.use('/late', respond(401)).routes())
    },
    expected: { '/x': '/:other', '/y': '/:other' },
  },
  {
    name: 'a path that the app gives the router',
    build: (app, R) => {
      app.use((ctx, next) => {
        if (ctx.query.to) (ctx as Context).newRouterPath = String(ctx.query.to)
        ctx.routerPath = '/users/:id'
        return next()
      })
      app.use(new R().get('/users/:id', ok).get('/x/:x', ok).routes())
    },
    expected: { '/any?to=/x/1': '/x/:x', '/users/1': '/users/:id', '/none': undefined },
  },
  {
    name: 'a list of strings and expressions',
    for: 'older',
    build: (app, R) => app.use(new R().get(['/a/:a', /^\/b\d+$/, '/c'], ok).routes()),
    expected: { '/a/1': '/a/:a', '/b12': '/^\\/b\\d+$/', '/c': '/c' },
  },
  {
    name: 'optional params, patterns, wildcards and escapes, in prefixes too',
    for: 'older',
    build: (app, R) => {
      const router = new R({ prefix: '/:lang(en|de)?/v' }).get('/a/:x?', ok).get('/(.*)/end', ok)
      app.use(router.get('/n/:n(\\d+)-:m', ok).get('/p/:path*', ok).get('/q\\?/:q+', ok).routes())
      app.use(new R().all('(.*)', pass).get('/g/(.*)', ok).routes())
    },
    expected: {
      '/en/v/a': '/:lang(en|de)?/v/a/:x?',
      '/v/a/1': '/:lang(en|de)?/v/a/:x?',
      '/v/x/y/end': '/:lang(en|de)?/v/(.*)/end',
      '/de/v/n/1-2': '/:lang(en|de)?/v/n/:n(\\d+)-:m',
      '/v/p/a/b/c': '/:lang(en|de)?/v/p/:path*',
      '/g/a/b': '/g/(.*)',
    },
  },
  {
    name: 'an expression below a prefix',
    for: 'older',
    build: (app, R) => app.use(new R().use('/t/:t', new R().get('/f/:f(\\w+\\.txt)', ok).routes()).routes()),
    expected: { '/t/1/f/a.txt': '/t/:t/f/:f(\\w+\\.txt)' },
  },
  {
    name: 'optional parts, wildcards and escapes, in prefixes too',
    for: 'newer',
    build: (app, R) => {
      const router = new R({ prefix: '/v{/:lang}' }).get('/a{/:x}', ok).get('/*mid/end', ok)
      app.use(router.get('/p/*path', ok).get('/q\\?/:q', ok).get('/f/:n{.:ext}', ok).routes())
      app.use(new R().all('/{*all}', pass).get('/g/*rest', ok).routes())
    },
    expected: {
      '/v/en/a': '/v{/:lang}/a{/:x}',
      '/v/a': '/v{/:lang}/a{/:x}',
      '/v/x/y/end': '/v{/:lang}/*mid/end',
      '/v/p/a/b/c': '/v{/:lang}/p/*path',
      '/v/f/a.txt': '/v{/:lang}/f/:n{.:ext}',
      '/g/a/b': '/g/*rest',
    },
  },
])
