import express from 'express'
import { expect, it } from 'vitest'
import { observedApp, ok, routerWith } from '../support/express-cases.ts'
import { namesOf } from '../support/express-names.ts'

it('routes, routers and mounts that are added after traffic began have their names', async () => {
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

it('a router that is mounted in a second place after traffic began has both names', async () => {
  const { app, calls } = observedApp()
  const router = routerWith('/x')
  const outer = express.Router().use('/a', router)
  app.use('/t/:t', outer)
  expect(await namesOf(app, calls, ['/t/1/a/x'])).toEqual({ '/t/1/a/x': '/t/:t/a/x' })
  outer.use('/b/:b', router)
  const expected = { '/t/1/b/2/x': '/t/:t/b/:b/x', '/t/1/a/x': '/t/:t/a/x' }
  expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
})

it('routes that are exchanged, or added during a request, have their names', async () => {
  const { app, calls } = observedApp()
  const live = routerWith('/old')
  app.use('/l/:l', live)
  live.get('/add', (_req, res) => {
    live.get('/added', ok)
    app.use('/m/:m', live)
    res.json({})
  })
  const before = { '/l/1/old': '/l/:l/old', '/l/1/add': '/l/:l/add', '/m/1/added': '/m/:m/added' }
  expect(await namesOf(app, calls, Object.keys(before))).toEqual(before)
  const { stack } = live as unknown as { stack: unknown[] }
  stack[0] = (routerWith('/new') as unknown as { stack: unknown[] }).stack[0]
  const after = { '/l/1/new': '/l/:l/new', '/m/1/new': '/m/:m/new', '/l/1/old': undefined }
  expect(await namesOf(app, calls, Object.keys(after))).toEqual(after)
})
