import type { FinishedCall, Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express from 'express'
import { expect, it } from 'vitest'
import { observedApp, ok, pass, respond, routerWith } from '../support/express-cases.ts'
import { namesOf } from '../support/express-names.ts'

it('the middleware in a mounted router names routes with all their mounts', async () => {
  const { calls } = observedApp()
  const meter = { record: (call: FinishedCall) => void calls.push(call), ignore() {} } as unknown as Meter
  const router = express.Router().use(pxUsage({ meter, identify: () => null }))
  router.get('/x/:x', ok)
  const inner = express().use('/r/:r', router)
  const app = express().use('/in/:i', inner)
  expect(await namesOf(app, calls, ['/in/1/r/2/x/3'])).toEqual({ '/in/1/r/2/x/3': '/in/:i/r/:r/x/:x' })
})

it('one router in two apps that share the middleware has a name in each', async () => {
  const { app, calls, usage } = observedApp()
  const shared = routerWith('/s/:s').use('/in/:in', express().get('/x', ok))
  app.use('/a/:a', shared)
  const other = express().use(usage).use('/:b', pass).use('/:b/:c', shared)
  const expected = { '/a/1/s/2': '/a/:a/s/:s', '/a/1/in/2/x': '/a/:a/in/:in/x' }
  expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  calls.length = 0
  const others = { '/a/1/s/2': '/:b/:c/s/:s', '/a/1/in/2/x': '/:b/:c/in/:in/x' }
  expect(await namesOf(other, calls, Object.keys(others))).toEqual(others)
})

it('the middleware at a path or in a route names the calls for two meters', async () => {
  const { calls, usage } = observedApp()
  const again = observedApp()
  const app = express().use('/api', usage, again.usage)
  app.use('/api/v/:v', express().get('/x/:x', ok).get('/passed', pass))
  app.get('/own/:own', usage, again.usage, ok).use(respond(404))
  const expected = { '/api/v/1/x/2': '/api/v/:v/x/:x', '/own/1': '/own/:own', '/api/v/1/passed': undefined }
  expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
  // Each request is sent twice.
  expect(again.calls.map(({ route }) => route)).toEqual([
    ...Object.values(expected),
    ...Object.values(expected),
  ])
})
