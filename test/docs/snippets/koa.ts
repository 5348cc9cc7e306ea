import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'

const app = new Koa()
const usage = pxUsage({
  identify: (ctx) => ctx.state.user && { userId: ctx.state.user.id },
  onError: (error) => console.error(error.message),
})
app.use(usage)

// --- what any app has: an authentication and a response
app.use((ctx) => {
  ctx.state.user = { id: 'ann' }
  ctx.body = 'hello'
})

export const listener = app.callback()
export const { meter } = usage
