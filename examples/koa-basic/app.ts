import Router from '@koa/router'
import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'

/** Creates a small API. Callers send their ids in headers; a real API would read them from a session. */
export function createApp(options: Partial<Parameters<typeof pxUsage>[0]> = {}) {
  const app = new Koa()
  const usage = pxUsage({
    identify: (ctx) => {
      const userId = ctx.get('x-user')
      return userId === '' ? undefined : { userId, accountId: ctx.get('x-account') || undefined }
    },
    ...options,
  })
  app.use(usage)

  const router = new Router({ prefix: '/v2' })
  router.get('/invoices', (ctx) => {
    ctx.body = { invoices: [] }
  })
  router.get('/invoices/:id', (ctx) => {
    ctx.body = { id: ctx.params.id }
  })
  router.delete('/invoices/:id', (ctx) => {
    ctx.throw(403, 'You may not delete this invoice.')
  })
  router.get('/exports/:year', async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    ctx.body = { year: ctx.params.year }
  })
  app.use(router.routes())
  return { app, meter: usage.meter }
}
