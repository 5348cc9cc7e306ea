import { afterEach, describe, expect, it } from 'vitest'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, callsOf } from '../support/count-batch.ts'
import {
  type ClientName,
  type ConnectedClient,
  clientNames,
  connectClient,
} from '../support/redis-clients.ts'
import { openFleetStore } from '../support/redis-fleet.ts'
import { hasRedis, startRedis, startRedisPair } from '../support/redis-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function connect(name: ClientName, port: number): Promise<ConnectedClient> {
  const client = await connectClient(name, { port })
  cleanUps.push(client.close)
  return client
}

/** Opens a store as a process would: with a client of its own. */
async function open(name: ClientName, port: number) {
  const client = await connect(name, port)
  const sendCommand = (args: string[], key: string) => client.sendCommand(args, key)
  const opened = await openFleetStore({ prefix: 'px', sendCommand })
  cleanUps.push(() => opened.store.close())
  return opened
}

/** Counts as the meter of a process does: it offers a batch again until the store has it. */
function countingOf(store: Store) {
  const tries = 40
  const batch = batches()
  let offered: ReturnType<typeof batch> | undefined
  return async (rounds: number, before: (round: number) => unknown = () => {}) => {
    for (let round = 0; round < rounds; round++) {
      await before(round)
      offered ??= batch({ ada: 1, [`user ${round % 7}`]: 1 })
      for (let failures = 0; offered !== undefined; ) {
        try {
          await store.add(offered)
          offered = undefined
        } catch (error) {
          failures += 1
          if (failures === tries) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
  }
}

async function sumOf(store: Store): Promise<number> {
  return Object.values(await callsOf(store)).reduce((sum, calls) => sum + calls, 0)
}

describe.skipIf(!hasRedis()).each(clientNames)('counts through %s are exact', (name) => {
  it('although Redis is killed and starts again', async () => {
    const server = await startRedis({ config: { appendfsync: 'everysec' } })
    const { store, errors } = await open(name, server.port)
    await countingOf(store)(60, async (round) => {
      if (round % 20 === 10) await server.restart()
    })
    await expect.poll(() => sumOf(store).catch(() => 0)).toBe(120)
    expect(errors).toEqual([])
  })

  it('although a failover loses what the primary had acknowledged', async () => {
    const pair = await startRedisPair()
    const proxy = await startTcpProxy(pair.primary.port)
    cleanUps.push(proxy.close)
    const { store, errors } = await open(name, proxy.port)
    await countingOf(store)(60, async (round) => {
      if (round === 20) pair.replica.pause()
      if (round !== 40) return
      await pair.primary.kill()
      pair.replica.resume()
      await pair.promote()
      proxy.target = pair.replica.port
      proxy.disconnect()
    })
    expect(await sumOf(store)).toBe(120)
    expect(errors).toEqual([])
  })
})
