import { createRequire } from 'node:module'
import express, { type RequestHandler } from 'express'
import { expect, it } from 'vitest'
import { describeNames, is4, newRouter, observedApp, ok, routerWith } from '../../support/express-cases.ts'
import { namesOf } from '../../support/express-names.ts'

describeNames('routes of mounted apps', [
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
    name: 'app, router, app, router, app, each with a param of the same name',
    build: (app) => {
      const e = express().get('/e/:id', ok)
      const d = newRouter({ mergeParams: true }).use('/d/:id', e)
      const c = express().use('/c/:id', d)
      const b = newRouter({ mergeParams: true }).use('/b/:id', c)
      app.use('/a/:id', express().use('/z/:id', b))
    },
    expected: {
      '/a/1/z/1/b/1/c/1/d/1/e/1': '/a/:id/z/:id/b/:id/c/:id/d/:id/e/:id',
      '/a/a/z/z/b/b/c/c/d/d/e/e': '/a/:id/z/:id/b/:id/c/:id/d/:id/e/:id',
    },
  },
  {
    name: 'an app in a router that is mounted in two apps',
    build: (app) => {
      const inner = express().get('/in/:in', ok)
      const shared = newRouter().use('/s/:s', inner)
      app.use('/one/:o', express().use('/x/:x', shared)).use('/two/:t', express().use('/y', shared))
    },
    expected: {
      '/two/1/y/s/2/in/3': '/two/:t/y/s/:s/in/:in',
      '/one/1/x/1/s/1/in/1': '/one/:o/x/:x/s/:s/in/:in',
    },
  },
  {
    name: 'two apps at one path, of which the first passes on',
    build: (app) => {
      app.use('/a/:a', express().get('/only', ok)).use('/a/:b', express().get('/i/:i', ok))
    },
    expected: { '/a/1/i/2': '/a/:b/i/:i', '/a/1/only': '/a/:a/only' },
  },
])

it('apps and routers of another Express version have their names', async () => {
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
