import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/koa'
import Koa, { type Context, type Middleware } from 'koa'
import { expect, it } from 'vitest'
import { collectGarbage } from '../support/collect-garbage.ts'
import { respond } from '../support/in-process.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const { Router } = createRequire(import.meta.url)('koa-at-router-15')
const apps = 2_000
const answer = (ctx: Context) => {
  ctx.body = 'ok'
}

it('apps that are created for a request are collected, and their calls have the right names', async () => {
  const { meter, calls } = recordingMeter()
  const usage = pxUsage({ meter, identify: () => ({ userId: 'ann' }) }) as Middleware
  const left = new Set<WeakRef<Koa>>()
  const base = Object.getPrototypeOf(new Koa().context)
  let keys: PropertyKey[] | undefined
  for (let at = 0; at < apps; at++) {
    const app = new Koa().use(usage)
    left.add(new WeakRef(app))
    const router = new Router({ prefix: `/app-${at}` })
    app.use(router.get('/leaf/:l', answer).routes())
    await respond(app.callback(), 'GET', `/app-${at}/leaf/1`)
    keys ??= Reflect.ownKeys(base)
  }
  expect(calls.map(({ route }) => route)).toEqual(
    Array.from({ length: apps }, (_, at) => `/app-${at}/leaf/:l`),
  )
  // Accessors are added once, not once for each app.
  expect(Reflect.ownKeys(base)).toEqual(keys)
  calls.length = 0
  await collectGarbage()
  expect([...left].filter((ref) => ref.deref() !== undefined).length).toBeLessThan(apps / 100)
})
