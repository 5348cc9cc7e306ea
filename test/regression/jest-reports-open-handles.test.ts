import { createHook } from 'node:async_hooks'
import { expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'

it('no async resource of px-usage looks like a handle that keeps the process alive', async () => {
  // As `jest --detectOpenHandles` sees them: a resource without hasRef() counts as active until it is garbage-collected.
  const active = new Map<number, string>()
  const types = new Set<string>()
  const hook = createHook({
    init(id, type, _trigger, resource) {
      if (!type.startsWith('PxUsage')) return
      types.add(type)
      if ((resource as { hasRef?(): boolean }).hasRef?.() !== false) active.set(id, type)
    },
    destroy: (id) => void active.delete(id),
  }).enable()
  vi.resetModules()
  const { memoryStore, pxUsage } = await import('@px-usage/express')
  const { default: express } = await import('express')
  const usage = pxUsage({ identify: () => ({ userId: 'ann' }), dryRun: true, store: memoryStore() })
  const app = express().use(usage)
  app.get('/hello', (_req, res) => void res.send('hello'))
  const server = await startServer(app)
  await send(`${server.url}/hello`)
  await server.close()
  await usage.meter.close()
  hook.disable()
  expect([...types].sort()).toEqual(['PxUsage', 'PxUsageCall'])
  expect([...active.values()]).toEqual([])
})
