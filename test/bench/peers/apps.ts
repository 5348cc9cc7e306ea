import type { RequestListener } from 'node:http'
import Router from '@koa/router'
import express from 'express'
import Koa from 'koa'
import { itemBody, notFound, orderBody, type User, unauthorized, userBody, usersByKey } from './api.ts'

/** What a case adds to an app, before and after the middleware that authenticates. */
export interface Additions<App> {
  first?(app: App): void
  authenticated?(app: App): void
}

declare module 'express-serve-static-core' {
  interface Request {
    user?: User
  }
}

export function createExpressApp(additions: Additions<express.Express>): RequestListener {
  const app = express()
  additions.first?.(app)
  app.use((req, res, next) => {
    const user = usersByKey.get(req.get('x-api-key') ?? '')
    if (user === undefined) {
      res.status(401).json(unauthorized)
      return
    }
    req.user = user
    next()
  })
  additions.authenticated?.(app)
  app.use(express.json())
  app.get('/v1/users/:id', (req, res) => {
    const { id } = req.params
    if (id === 'missing') res.status(404).json(notFound)
    else res.json(userBody(id, req.user as User))
  })
  app.post('/v1/orders', (req, res) => void res.status(201).json(orderBody(req.body, req.user as User)))
  const project = express.Router({ mergeParams: true })
  project.get('/items/:item', (req, res) => {
    const { project, item } = req.params as { project: string; item: string }
    res.json(itemBody(project, item, req.user as User))
  })
  app.use('/v1/projects/:project', project)
  return app
}

export function createKoaApp(additions: Additions<Koa>): RequestListener {
  const app = new Koa()
  additions.first?.(app)
  app.use(async (ctx, next) => {
    const user = usersByKey.get(ctx.get('x-api-key'))
    if (user === undefined) {
      ctx.status = 401
      ctx.body = unauthorized
      return
    }
    ctx.state.user = user
    await next()
  })
  additions.authenticated?.(app)
  app.use(async (ctx, next) => {
    if (ctx.is('json')) ctx.state.json = await readJson(ctx.req)
    await next()
  })
  const router = new Router()
  router.get('/v1/users/:id', (ctx) => {
    const { id } = ctx.params
    if (id === 'missing') {
      ctx.status = 404
      ctx.body = notFound
    } else ctx.body = userBody(id, ctx.state.user)
  })
  router.post('/v1/orders', (ctx) => {
    ctx.status = 201
    ctx.body = orderBody(ctx.state.json, ctx.state.user)
  })
  const project = new Router()
  project.get('/items/:item', (ctx) => {
    ctx.body = itemBody(ctx.params.project, ctx.params.item, ctx.state.user)
  })
  router.use('/v1/projects/:project', project.routes())
  app.use(router.routes())
  return app.callback()
}

async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}
