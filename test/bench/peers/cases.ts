import { mkdtempSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, identifyBy, memoryStore, type Store, pxUsage as usageOfExpress } from '@px-usage/express'
import { pxUsage as usageOfKoa } from '@px-usage/koa'
import { useApitally as apitallyOfExpress, setConsumer as setExpressConsumer } from 'apitally/express'
import { useApitally as apitallyOfKoa, setConsumer as setKoaConsumer } from 'apitally/koa'
import type { Express, Request } from 'express'
import prometheus from 'express-prom-bundle'
import type Koa from 'koa'
import moesif from 'moesif-nodejs'
import onFinished from 'on-finished'
import { Histogram } from 'prom-client'
import type { User } from './api.ts'
import { type Additions, createExpressApp, createKoaApp } from './apps.ts'
import { countExpress, countKoa } from './prototype.ts'

interface Case {
  express: Additions<Express>
  koa: Additions<Koa>
}

const temporaryStore = () => fileStore({ dir: mkdtempSync(join(tmpdir(), 'px-usage-bench-')) })
const identityOf = (user: User | undefined) => user && { userId: user.id, accountId: user.orgId }

function usage(createStore: () => Store): Case {
  const options = () => ({ store: createStore(), dryRun: true })
  return {
    express: {
      first: (app) => app.use(usageOfExpress({ ...options(), identify: (req) => identityOf(req.user) })),
    },
    koa: {
      first: (app) => app.use(usageOfKoa({ ...options(), identify: (ctx) => identityOf(ctx.state.user) })),
    },
  }
}

function usageWithLookup(): Case {
  const lookup = async (userId: string) => ({ userId, accountId: `org-${userId.length}` })
  const options = () => ({ store: temporaryStore(), dryRun: true })
  return {
    express: {
      first(app) {
        const identify = identifyBy({ credential: (req: Request) => req.user?.id, lookup })
        app.use(usageOfExpress({ ...options(), identify }))
      },
    },
    koa: {
      first(app) {
        const identify = identifyBy({ credential: (ctx: Koa.Context) => ctx.state.user?.id, lookup })
        app.use(usageOfKoa({ ...options(), identify }))
      },
    },
  }
}

/** prom-client with the same histogram on both frameworks; for Koa there is no bundle that has labels of the user. */
const prometheusWithUsers: Case = {
  express: {
    first(app) {
      app.use(
        prometheus({
          includeMethod: true,
          includePath: true,
          customLabels: { user: null, account: null },
          transformLabels(labels, req) {
            labels.user = req.user?.id
            labels.account = req.user?.orgId
          },
        }),
      )
    },
  },
  koa: {
    first(app) {
      const histogram = new Histogram({
        name: 'http_request_duration_seconds',
        help: 'duration of requests',
        labelNames: ['status_code', 'method', 'path', 'user', 'account'],
        buckets: [0.003, 0.03, 0.1, 0.3, 1.5, 10],
      })
      app.use(async (ctx, next) => {
        const end = histogram.startTimer()
        await next()
        const { method, status, state } = ctx
        const ofUser = { user: state.user?.id, account: state.user?.orgId }
        end({ status_code: status, method, path: ctx._matchedRoute, ...ofUser })
      })
    },
  },
}

const apitallyOptions = { clientId: '00000000-0000-4000-8000-000000000000', env: 'bench' }
const apitally: Case = {
  express: {
    first: (app) => apitallyOfExpress(app, apitallyOptions),
    authenticated(app) {
      app.use((req, _res, next) => {
        setExpressConsumer(req, { identifier: req.user?.id ?? '', group: req.user?.orgId })
        next()
      })
    },
  },
  koa: {
    first: (app) => apitallyOfKoa(app, apitallyOptions),
    authenticated(app) {
      app.use((ctx, next) => {
        setKoaConsumer(ctx, { identifier: ctx.state.user.id, group: ctx.state.user.orgId })
        return next()
      })
    },
  },
}

const moesifOptions = {
  applicationId: 'bench'.padEnd(60, '0'),
  baseUri: process.env.BENCH_SINK,
  logBody: false,
  identifyUser: (req: Request) => req.user?.id,
  identifyCompany: (req: Request) => req.user?.orgId,
}

const cases: Record<string, Case> = {
  bare: { express: {}, koa: {} },
  'bare again': { express: {}, koa: {} },
  "prototype on Node's channel": { express: { first: countExpress }, koa: { first: countKoa } },
  'on-finished, empty callback': {
    express: {
      first(app) {
        app.use((_req, res, next) => {
          onFinished(res, () => {})
          next()
        })
      },
    },
    koa: {
      first(app) {
        app.use((ctx, next) => {
          onFinished(ctx.res, () => {})
          return next()
        })
      },
    },
  },
  'px-usage, memory store': usage(memoryStore),
  'px-usage, file store': usage(temporaryStore),
  'prom-client, user label': prometheusWithUsers,
  Apitally: apitally,
  'empty middleware': {
    express: { first: (app) => app.use((_req, _res, next) => next()) },
    koa: { first: (app) => app.use((_ctx, next) => next()) },
  },
  'px-usage, file store, identifyBy': usageWithLookup(),
  Moesif: {
    express: { first: (app) => app.use(moesif(moesifOptions)) },
    koa: {
      first(app) {
        const watch = moesif(moesifOptions)
        app.use((ctx, next) => {
          watch(ctx.req, ctx.res, () => {})
          return next()
        })
      },
      authenticated(app) {
        app.use((ctx, next) => {
          Object.assign(ctx.req, { user: ctx.state.user })
          return next()
        })
      },
    },
  },
}

export function createListener(framework: string, name: string): RequestListener {
  const added = cases[name]
  if (added === undefined)
    throw new Error(`There is no case '${name}'. Give one of: ${Object.keys(cases).join('; ')}.`)
  return framework === 'koa' ? createKoaApp(added.koa) : createExpressApp(added.express)
}
