import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Router from '@koa/router'
import { fileStore, identifyBy, memoryStore, pxUsage as usageOfExpress } from '@px-usage/express'
import { pxUsage as usageOfKoa } from '@px-usage/koa'
import { useApitally as apitallyOfExpress } from 'apitally/express'
import { useApitally as apitallyOfKoa } from 'apitally/koa'
import express from 'express'
import prometheus from 'express-prom-bundle'
import Koa from 'koa'
import moesif from 'moesif-nodejs'
import onFinished from 'on-finished'

/** What is measured, first the one that all others are paired with. The peers come with their defaults. */
export const cases = {
  express: [
    'bare',
    'bare again',
    'empty middleware',
    'on-finished',
    'memory',
    'file',
    'file, identifyBy',
    'prometheus',
    'apitally',
    'moesif',
  ],
  koa: [
    'bare',
    'bare again',
    'empty middleware',
    'on-finished',
    'memory',
    'file',
    'file, identifyBy',
    'apitally',
    'moesif',
  ],
}

const sink = process.env.BENCH_SINK
const apitally = { clientId: '00000000-0000-4000-8000-000000000000', env: 'bench' }
const moesifOptions = {
  applicationId: 'bench'.padEnd(60, '0'),
  baseUri: sink,
  logBody: false,
  identifyUser: (req) => req.user?.id,
  identifyCompany: (req) => req.user?.orgId,
}

function usage(name, pxUsage, userOf) {
  if (!['memory', 'file', 'file, identifyBy'].includes(name)) return undefined
  const store =
    name === 'memory' ? memoryStore() : fileStore({ dir: mkdtempSync(join(tmpdir(), 'px-usage-bench-')) })
  const own = (source) => ({ userId: userOf(source).id, accountId: userOf(source).orgId })
  const cached = () =>
    identifyBy({
      credential: (source) => userOf(source).id,
      lookup: async (credential) => ({ userId: credential, accountId: `account-${credential.length}` }),
    })
  return pxUsage({ store, dryRun: true, identify: name === 'file, identifyBy' ? cached() : own })
}

/** A small API: answers of about 200 bytes, a nested router, and users whom a middleware finds in the headers. @returns the listener of a server */
export function createListener(framework, name) {
  return framework === 'express' ? expressApp(name) : koaApp(name)
}

/** What `identify` reads, as in any app: nobody pays for it twice. */
const authenticated = ({ headers }) => ({ id: headers['x-user'], orgId: headers['x-account'] })

const body = (id) => ({
  id,
  name: 'A user of the API',
  email: 'user@example.com',
  tags: ['one', 'two', 'three'],
  note: 'x'.repeat(90),
})

function expressApp(name) {
  const app = express()
  const ours = usage(name, usageOfExpress, (req) => req.user)
  if (ours !== undefined) app.use(ours)
  if (name === 'empty middleware') app.use((_req, _res, next) => next())
  if (name === 'on-finished') {
    app.use((_req, res, next) => {
      onFinished(res, () => {})
      next()
    })
  }
  if (name === 'prometheus') app.use(prometheus({ includeMethod: true, includePath: true }))
  if (name === 'apitally') apitallyOfExpress(app, apitally)
  if (name === 'moesif') app.use(moesif(moesifOptions))
  app.use((req, _res, next) => {
    req.user = authenticated(req)
    next()
  })
  const users = express.Router()
  users.get('/:id', (req, res) => void res.json(body(req.params.id)))
  app.use('/v1/users', users)
  app.post('/v1/orders', (_req, res) => void res.status(201).json(body('new')))
  return app
}

function koaApp(name) {
  const app = new Koa()
  const ours = usage(name, usageOfKoa, (ctx) => ctx.state.user)
  if (ours !== undefined) app.use(ours)
  if (name === 'empty middleware') app.use((_ctx, next) => next())
  if (name === 'on-finished') {
    app.use((ctx, next) => {
      onFinished(ctx.res, () => {})
      return next()
    })
  }
  if (name === 'apitally') apitallyOfKoa(app, apitally)
  if (name === 'moesif') {
    const watch = moesif(moesifOptions)
    app.use((ctx, next) => {
      watch(ctx.req, ctx.res, () => {})
      return next()
    })
  }
  app.use((ctx, next) => {
    ctx.state.user = authenticated(ctx.req)
    if (name === 'moesif') ctx.req.user = ctx.state.user
    return next()
  })
  const router = new Router({ prefix: '/v1' })
  router.get('/users/:id', (ctx) => {
    ctx.body = body(ctx.params.id)
  })
  router.post('/orders', (ctx) => {
    ctx.status = 201
    ctx.body = body('new')
  })
  app.use(router.routes())
  return app.callback()
}
