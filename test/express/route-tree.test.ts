import express from 'express'
import { describeNames, forgetsMounts, ok, pass, routerWith } from '../support/express-cases.ts'

describeNames('routes of mounted routers', [
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
    name: 'mounts with parameters in four levels, merged or not',
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
    name: 'a router at a parameter and, before it, at fixed text that the parameter takes as well',
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
    name: 'one router under mounts with other params, of which one is longer',
    build: (app) => {
      const items = routerWith('/items/:id').get('/', ok)
      app.use('/users/:user', items).use('/teams/:team/users/:user', items).use('/', items)
    },
    expected: {
      '/users/1/items/2': '/users/:user/items/:id',
      '/teams/users/users/1/items/items': '/teams/:team/users/:user/items/:id',
      '/items/1': '/items/:id',
      '/users/1': '/users/:user',
      '/teams/1/users/2/': '/teams/:team/users/:user',
    },
  },
  {
    name: 'the first mount whose router has the route, when a longer one takes the path too',
    build: (app) => {
      const items = routerWith('/i')
      app.use('/a/:x', items).use('/a/:y/z', items)
    },
    expected: { '/a/1/i': '/a/:x/i', '/a/1/z/i': '/a/:y/z/i', '/a/z/z/i': '/a/:y/z/i' },
  },
  {
    name: 'one router mounted twice at one place',
    build: (app) => {
      const items = routerWith('/i/:i')
      app.use('/a/:a', items).use('/a/:a', items)
    },
    expected: { '/a/1/i/2': '/a/:a/i/:i' },
  },
  {
    name: 'a list of handlers with routers in it, at a list of paths',
    build: (app) => {
      app.use((forgetsMounts ? ['/a', '/b/:b', '/c'] : ['/a', ['/b/:b', ['/c']]]) as string[], [
        pass,
        routerWith('/x'),
        routerWith('/y/:y'),
      ])
    },
    expected: {
      '/a/x': '/a/x',
      '/b/1/y/2': '/b/:b/y/:y',
      '/c/y/c': '/c/y/:y',
    },
  },
])
