import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'
import jwt from 'koa-jwt'

const app = new Koa()
const usage = pxUsage({
  identify: ({ state: { user } }) => user && { userId: user.sub, accountId: user.org },
})
app.use(usage)
app.use(jwt({ secret: readSecret }))

// --- the secret of the app, and a response
import { sign } from 'jsonwebtoken'
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'

const secret = 'a secret of the app'
async function readSecret(): Promise<string> {
  return secret
}
app.use((ctx) => {
  ctx.body = 'hello'
})

export const listener = app.callback()
export const { meter } = usage
export async function callAsAnn(url: string): Promise<void> {
  expect((await send(url)).status).toBe(401)
  const authorization = `Bearer ${sign({ sub: 'ann', org: 'acme' }, secret)}`
  expect((await send(url, { headers: { authorization } })).body).toBe('hello')
  expect(meter.stats().calls.unattributed.anonymous).toBe(1)
}
