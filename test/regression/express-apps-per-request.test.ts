import express, { type RequestHandler } from 'express'
import { expect, it, vi } from 'vitest'
import { collectGarbage } from '../support/collect-garbage.ts'
import { recordingUsage, routerOf } from '../support/express-names.ts'
import { respond } from '../support/in-process.ts'

const apps = Number(process.env.SOAK_APPS ?? 1_000)
const ok: RequestHandler = (_req, res) => void res.end('ok')

/** Apps that are not collected, of those that were created. */
function alive(refs: WeakRef<object>[]): number {
  return refs.filter((ref) => ref.deref() !== undefined).length
}

it.each<
  [string, (usage: RequestHandler, at: number) => { app: object; listener: RequestHandler; path: string }]
>([
  [
    'apps',
    (usage, at) => {
      const app = express().use(usage)
      for (let mount = 0; mount < 5; mount++)
        app.use(`/r${mount}/:p`, express.Router().get(`/leaf-${at}/:l`, ok))
      return { app, listener: app as unknown as RequestHandler, path: `/r3/1/leaf-${at}/2` }
    },
  ],
  [
    'apps mounted in an app',
    (usage, at) => {
      const sub = express().get(`/leaf-${at}/:l`, ok)
      const app = express().use(usage).use('/r3/:p', sub)
      return { app: sub, listener: app as unknown as RequestHandler, path: `/r3/1/leaf-${at}/2` }
    },
  ],
])('%s that are created for a request are collected, and give the right names', async (_what, create) => {
  const { usage, calls } = recordingUsage()
  const refs: WeakRef<object>[] = []
  const routes: unknown[] = []
  let half = 0
  for (let at = 0; at < apps; at++) {
    const { app, listener, path } = create(usage, at)
    refs.push(new WeakRef(app))
    await respond(listener as never, 'GET', path)
    await vi.waitUntil(() => calls.length > 0, { interval: 1 })
    routes.push(calls.at(-1)?.route)
    calls.length = 0
    if (at === apps / 2) {
      await collectGarbage()
      half = process.memoryUsage().heapUsed
    }
  }
  await new Promise(setImmediate)
  await collectGarbage()
  expect(routes).toEqual(Array.from({ length: apps }, (_, at) => `/r3/:p/leaf-${at}/:l`))
  expect(alive(refs)).toBeLessThan(apps / 50)
  expect(process.memoryUsage().heapUsed - half).toBeLessThan(4 * 1024 * 1024)
})

it('apps behind a function of a lasting app are collected, and take no longer to look through', async () => {
  const { usage, calls } = recordingUsage()
  const refs: WeakRef<object>[] = []
  const app = express().use(usage)
  let looks = 0
  app.use('/tenants/:tenant', (req, res) => {
    const inner = express().get('/leaf/:l', ok)
    const router = routerOf(inner)
    const { stack } = router
    Object.defineProperty(router, 'stack', {
      get() {
        looks += 1
        return stack
      },
    })
    refs.push(new WeakRef(inner))
    inner(req, res)
  })
  const looksAt: number[] = []
  for (let at = 0; at < apps; at++) {
    await respond(app, 'GET', '/tenants/a/leaf/1')
    await vi.waitUntil(() => calls.length > at, { interval: 1 })
    looksAt.push(looks)
  }
  expect(new Set(calls.map(({ route }) => route))).toEqual(new Set(['/tenants/:tenant/leaf/:l']))
  const perCall = (from: number) => ((looksAt[from + 100] as number) - (looksAt[from] as number)) / 100
  expect(perCall(apps - 101)).toBeLessThanOrEqual(perCall(10) + 1)
  calls.length = 0
  await new Promise(setImmediate)
  await collectGarbage()
  expect(alive(refs)).toBeLessThan(apps / 50)
})
