import { pxUsage as forExpress } from '@px-usage/express'
import { pxUsage as forKoa } from '@px-usage/koa'
import type { Express as Express5, Request as Request5 } from 'express'
import type Koa3 from 'koa'
import type { ParameterizedContext } from 'koa'
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

it("callbacks have the app's own types of a request, a response and a context", () => {
  interface AppRequest extends Request5 {
    user: { id: string; orgId: string }
  }
  interface AppState {
    user?: { id: string }
  }
  const usages = (koa: Koa3<AppState>) => {
    forExpress({ identify: (req: AppRequest) => ({ userId: req.user.id, accountId: req.user.orgId }) })
    forExpress<AppRequest>({ identify: (req) => ({ userId: req.user.id }) })
    forExpress({
      identify: (req) => {
        expectTypeOf(req).toEqualTypeOf<Request5>()
        return null
      },
      ignore: (_req, res) => res.locals.isInternal === true,
      properties: (req, res) => ({ host: req.hostname, plan: String(res.locals.plan) }),
      measures: (_req, res) => ({ rows: Number(res.locals.rows) }),
    })
    koa.use(
      forKoa<ParameterizedContext<AppState>>({
        identify: (ctx) => ctx.state.user && { userId: ctx.state.user.id },
        // @ts-expect-error -- the state has no such member
        ignore: (ctx) => ctx.state.isInternal,
      }),
    )
    // @ts-expect-error -- a misspelled option is an error
    forExpress({ identify: () => null, onErorr() {} })
  }
  expectTypeOf(usages).returns.toBeVoid()
})
