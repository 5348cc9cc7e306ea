import Router from '@koa/router'
import { identifyBy, memoryStore, pxUsage } from '@px-usage/koa'
import Koa from 'koa'

const usersByKey = new Map([['key-of-ann', { userId: 'ann', accountId: 'acme' }]]) // your database
const app = new Koa()
const usage = pxUsage({
  identify: identifyBy({
    credential: (ctx) => ctx.get('x-api-key'),
    lookup: (key) => usersByKey.get(key), // or a promise
  }),
  store: memoryStore(), // for a first try: closing sends the day so far, and a crash loses it
  closeOnSignal: true,
})
app.use(usage)

const router = new Router()
router.get('/v1/orders/:id', (ctx) => {
  ctx.body = { id: ctx.params.id }
})
app.use(router.routes())
app.listen(Number(process.env.PORT ?? 3000))
