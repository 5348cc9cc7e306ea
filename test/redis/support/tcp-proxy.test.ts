import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConnectedClient, clientNames, connectClient } from '../../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

describe.skipIf(!hasRedis()).each(clientNames)('a proxy between %s and Redis', (name) => {
  let server: RedisServer
  let proxy: TcpProxy
  let client: ConnectedClient
  beforeEach(async () => {
    server = await startRedis()
    proxy = await startTcpProxy(server.port)
    client = await connectClient(name, { port: proxy.port })
  })
  afterEach(async () => {
    await client.close()
    await proxy.close()
    await server.stop()
  })

  const increment = () => client.sendCommand(['INCR', 'n'])

  /** Increments again while the client is not connected, which it finds out in its own time. */
  async function incrementOnceConnected(): Promise<unknown> {
    for (;;) {
      const reply = await increment().catch(() => undefined)
      if (reply !== undefined) return reply
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it('cuts the replies that the test names, after the server carried the command out', async () => {
    proxy.cut = (command, n) => command === 'INCR' && n % 3 === 0
    const replies: unknown[] = []
    for (let call = 0; call < 3; call++) replies.push(await increment().catch(() => 'cut'))
    for (let call = 0; call < 2; call++) replies.push(await incrementOnceConnected())
    expect(replies).toEqual([1, 2, 'cut', 4, 5])
    expect(proxy.cuts).toBe(1)
    expect(await server.command('GET', 'n')).toBe('5')
  })

  it('delays and hangs, and goes on afterwards', async () => {
    proxy.delayMs = 100
    const startMs = performance.now()
    expect(await increment()).toBe(1)
    expect(performance.now() - startMs).toBeGreaterThan(95)
    proxy.delayMs = 0
    proxy.mode = 'hang'
    const soon = new Promise((resolve) => setTimeout(resolve, 200, 'no reply'))
    expect(await Promise.race([increment().catch(() => {}), soon])).toBe('no reply')
    proxy.mode = 'forward'
    proxy.disconnect()
    expect(await incrementOnceConnected()).toBe(2)
  })

  it('refuses connections, and leads the client to another server', async () => {
    const other = await startRedis()
    proxy.target = other.port
    proxy.mode = 'refuse'
    proxy.disconnect()
    await expect(increment()).rejects.toThrow()
    proxy.mode = 'forward'
    expect(await incrementOnceConnected()).toBe(1)
    expect(await other.command('GET', 'n')).toBe('1')
  })
})
