import { identifyBy, type Meter, memoryStore, pxUsage, UsageError, type UsageOptions } from '@px-usage/koa'
import { fakeClock, inMemoryDelivery } from '@px-usage/koa/testing'
import Koa from 'koa'

interface State {
  user?: { id: string; orgId?: string }
}

const app = new Koa<State>()
const usage = pxUsage({
  identify: (ctx) => ctx.state.user && { userId: ctx.state.user.id, accountId: ctx.state.user.orgId },
  properties: (ctx) => ({ host: ctx.hostname }),
  ignore: ['GET /health'],
  onError: (error) => console.error(error.code, error instanceof UsageError),
})
app.use(usage)

const options: UsageOptions<Koa.Context> = {
  identify: identifyBy({
    credential: (ctx) => ctx.get('x-api-key'),
    lookup: async (key) => ({ userId: key }),
  }),
  store: memoryStore(),
  clock: fakeClock('2026-11-23T10:00:00Z'),
  delivery: inMemoryDelivery().delivery,
  timeZone: undefined,
}
app.use(pxUsage(options))

export const meter: Meter = usage.meter

// @ts-expect-error -- a misspelled option
pxUsage({ identify: () => null, regoin: 'eu' })
