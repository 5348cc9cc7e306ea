import { existsSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { type ConnectedClient, clientNames, connectClient } from '../../support/redis-clients.ts'
import { hasRedis, startRedis, startRedisCluster, startRedisPair } from '../../support/redis-server.ts'

const clients: ConnectedClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

async function connected(...args: Parameters<typeof connectClient>): Promise<ConnectedClient> {
  const client = await connectClient(...args)
  clients.push(client)
  return client
}

describe.skipIf(!hasRedis())('a redis-server of a test', () => {
  it('keeps its port and its data over a kill, and is removed with them at the end', async () => {
    const server = await startRedis({ config: { appendfsync: 'always' } })
    await server.command('SET', 'a', 1)
    await server.restart()
    expect(await server.command('GET', 'a')).toBe('1')
    await server.kill()
    await expect(server.command('GET', 'a')).rejects.toThrow()
    await server.stop()
    expect(existsSync(server.dir)).toBe(false)
  })

  it('replies to nothing while it is paused', async () => {
    const server = await startRedis()
    server.pause()
    const reply = server.command('PING')
    const soon = new Promise((resolve) => setTimeout(resolve, 200, 'no reply'))
    expect(await Promise.race([reply, soon])).toBe('no reply')
    server.resume()
    expect(await reply).toBe('PONG')
  })

  it('has the maxmemory policy and the user that the test gives it', async () => {
    const user = { name: 'usage', password: 'secret', rules: '~px:* +get +hello +client +info' }
    const server = await startRedis({ config: { 'maxmemory-policy': 'allkeys-lru' }, user })
    expect(await server.command('CONFIG', 'GET', 'maxmemory-policy')).toContain('allkeys-lru')
    for (const name of clientNames) {
      const { sendCommand } = await connected(name, { port: server.port, user })
      expect(await sendCommand(['GET', 'px:a'])).toBe(null)
      await expect(sendCommand(['GET', 'other'])).rejects.toThrow('NOPERM')
      await expect(sendCommand(['SET', 'px:a', '1'])).rejects.toThrow('NOPERM')
    }
  })

  it('as a replica refuses writes until it is promoted, and has what was written before', async () => {
    const { primary, replica, promote } = await startRedisPair()
    await primary.command('SET', 'a', 1)
    await primary.command('WAIT', 1, 1_000)
    await expect(replica.command('SET', 'a', 2)).rejects.toThrow('READONLY')
    await primary.kill()
    await promote()
    expect(await replica.command('INCR', 'a')).toBe(2)
  })
})

describe.skipIf(!hasRedis())('a cluster of a test', () => {
  it('serves both clients while a slot moves, with ASK and MOVED', async () => {
    const cluster = await startRedisCluster()
    const port = cluster.nodes.map((node) => node.port)
    const [from, key] = [await cluster.nodeOf('{a}'), '{a}:n']
    const to = cluster.nodes.find((node) => node !== from)!
    const senders = await Promise.all(clientNames.map((name) => connected(name, { port })))
    let sum = 0
    const increment = async () => {
      for (const { sendCommand } of senders) expect(await sendCommand(['INCR', key], key)).toBe(++sum)
    }
    await increment()
    const move = await cluster.beginMove(key, to)
    await increment()
    await move.moveKeys()
    await expect(from.command('GET', key)).rejects.toThrow('ASK')
    await increment()
    await move.finish()
    await expect(from.command('GET', key)).rejects.toThrow('MOVED')
    await increment()
    expect(await to.command('GET', key)).toBe(String(sum))
    expect(await cluster.nodeOf(key)).toBe(to)
  })
})
