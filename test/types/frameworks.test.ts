import { pxUsage as forExpress } from '@px-usage/express'
import { pxUsage as forKoa } from '@px-usage/koa'
import type { Express as Express5 } from 'express'
import type Koa3 from 'koa'
import type { Express as Express4, Request as Request4 } from 'types-express-4'
import type Koa2 from 'types-koa-2'
import { expectTypeOf, it } from 'vitest'

// Checked by the compiler: nothing of this runs.
it('the middleware fits the types of Express 4 and 5 and of Koa 2 and 3', () => {
  const apps = (express4: Express4, express5: Express5, koa2: Koa2, koa3: Koa3) => {
    express4.use(forExpress({ identify: (req) => ({ userId: req.get('x-user') ?? '' }) }))
    express5.use(forExpress({ identify: (req) => ({ userId: req.get('x-user') ?? '' }) }))
    express4.use(
      '/v1',
      forExpress({ identify: async (req) => ({ userId: String((req as unknown as Request4).ip) }) }),
    )
    koa2.use(forKoa({ identify: (ctx) => ({ userId: ctx.get('x-user') }) }))
    koa3.use(forKoa({ identify: async (ctx) => ({ userId: String(ctx.state.user), accountId: null }) }))
  }
  expectTypeOf(apps).returns.toBeVoid()
})
