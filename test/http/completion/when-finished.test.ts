import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, expect, it, vi } from 'vitest'
import { currentContext } from '../../../packages/http/src/completion/async-context.ts'
import type { WatchedCall } from '../../../packages/http/src/completion/watched-call.ts'
import { noteContext, whenFinished } from '../../../packages/http/src/completion/when-finished.ts'
import { type RunningServer, send, startServer } from '../../support/http-client.ts'

let server: RunningServer
afterEach(() => server.close())

const user = new AsyncLocalStorage<string>()

function callOf(fields: Pick<WatchedCall, 'req' | 'res' | 'meter' | 'finished'>): WatchedCall {
  const links = { next: undefined, before: undefined, after: undefined }
  return { ...fields, ...links, context: currentContext(), notes: 0, isQueued: false, lost() {} }
}

it('a copy of the package that is loaded again counts no call twice', async () => {
  vi.resetModules()
  const copy = await import('../../../packages/http/src/completion/when-finished.ts')
  expect(copy.whenFinished).not.toBe(whenFinished)
  const finished = vi.fn()
  const meter = {} as never
  server = await startServer((req, res) => {
    whenFinished(callOf({ req, res, meter, finished }))
    copy.whenFinished(callOf({ req, res, meter, finished }))
    res.end()
  })
  await send(server.url)
  await vi.waitUntil(() => finished.mock.calls.length > 0)
  await new Promise(setImmediate)
  expect(finished).toHaveBeenCalledOnce()
})

it('a call finishes with the stores that were entered when its context was noted last', async () => {
  const stores: unknown[] = []
  server = await startServer((req, res) => {
    whenFinished(callOf({ req, res, meter: {} as never, finished: () => void stores.push(user.getStore()) }))
    user.run('ann', () => noteContext(req))
    setImmediate(() => res.end())
  })
  for (let turn = 0; turn < 2; turn += 1) await send(server.url)
  await vi.waitUntil(() => stores.length === 2)
  expect(stores).toEqual(['ann', 'ann'])
})
