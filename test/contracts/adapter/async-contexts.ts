import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { expect, it, vi } from 'vitest'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { openConnection, requestText, send } from '../../support/http-client.ts'
import type { AdapterHarness, MountedUsage } from '../adapter-contract.ts'
import { observedApp } from './observed-app.ts'

type User = { name: string }

/** An app whose requests are each in a store that holds the user of the header, and whose identify() reads the store. */
async function storedApp(harness: AdapterHarness, place: 'around' | 'behind', handler?: RequestListener) {
  const storage = new AsyncLocalStorage<User>()
  const stores: WeakRef<User>[] = []
  const within = (req: IncomingMessage, next: () => unknown): unknown => {
    const user = { name: String(req.headers['x-user']) }
    stores.push(new WeakRef(user))
    return storage.run(user, next)
  }
  const identify = async (): Promise<{ userId: string }> => {
    await new Promise(setImmediate)
    return { userId: storage.getStore()?.name ?? 'none' }
  }
  const usage: Partial<MountedUsage> & { around?: (app: RequestListener) => RequestListener } =
    place === 'behind'
      ? { behind: within, identify }
      : { around: (app) => (req, res) => void within(req, () => app(req, res)), identify }
  const app = await observedApp(harness, handler, usage)
  const users = async (count: number) => {
    await app.seen(count)
    return Promise.all(app.calls.map(async ({ identity }) => ((await identity) as { userId: string }).userId))
  }
  return { ...app, stores, users }
}

const asUser = (name: string, path: string) => requestText('GET', path, { 'X-User': name })

export function asyncContexts(harness: AdapterHarness): void {
  it.each(['around', 'behind'] as const)('identify sees the store of its call, entered %s', async (place) => {
    const app = await storedApp(harness, place)
    for (const name of ['ann', 'bob']) await send(`${app.url}/users/7`, { headers: { 'x-user': name } })
    await send(`${app.url}/fails`, { headers: { 'x-user': 'eve' } })
    expect(await app.users(3)).toEqual(['ann', 'bob', 'eve'])
  })

  // With plain listeners nothing shows a storage that is entered behind them, unless the response ends in it.
  const places = harness.isListener ? (['around'] as const) : (['around', 'behind'] as const)

  it.each(places)('identify sees the store of each pipelined call, entered %s', async (place) => {
    const app = await storedApp(harness, place, (_req, res) => void setTimeout(() => res.end('slow'), 20))
    const client = openConnection(app.port)
    client.write(asUser('p1', '/raw') + asUser('p2', '/users/2') + asUser('p3', '/users/3'))
    expect(await app.users(3)).toEqual(['p1', 'p2', 'p3'])
    client.socket.destroy()
  })

  it.each(places)('identify sees the store of an aborted call, entered %s', async (place) => {
    const app = await storedApp(harness, place)
    const client = openConnection(app.port)
    const arrived = once(app.server, 'request')
    client.write(asUser('gone', '/slow'))
    await arrived
    client.socket.destroy()
    expect(await app.users(1)).toEqual(['gone'])
  })

  it('identify sees the store of a call that ends in the context of another one', async () => {
    const open: (() => void)[] = []
    const app = await storedApp(harness, 'around', (_req, res) => {
      open.push(() => void res.end('late'))
      if (open.length === 2) for (const end of open) end()
    })
    const asked = ['ann', 'bob'].map((name) => send(`${app.url}/raw`, { headers: { 'x-user': name } }))
    await Promise.all(asked)
    expect((await app.users(2)).sort()).toEqual(['ann', 'bob'])
  })

  it('releases the store of a call that is over', async () => {
    const app = await storedApp(harness, 'around')
    const client = openConnection(app.port)
    for (let id = 1; id <= 6; id++) {
      client.write(asUser('ann', `/users/${id}`))
      await client.until((text) => text.includes(`{"id":"${id}"}`))
    }
    await app.users(6)
    app.calls.length = 0
    // Node itself may keep the last one.
    const earlier = app.stores.slice(0, -1)
    await vi.waitFor(
      () => {
        collectGarbage()
        expect(earlier.filter((one) => one.deref() !== undefined)).toHaveLength(0)
      },
      { interval: 5 },
    )
    client.socket.destroy()
  })
}
