import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { closeAndSend, type FleetProcess, openFleetProcess } from '../support/redis-fleet-child.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const kills = 20
const processes = 4

/** A PX that remembers each event, and loses 2 % of its responses. */
async function startPx() {
  const events = new Map<string, { times: number; calls: number }>()
  let requests = 0
  const server = createServer(async (req, res) => {
    const id = decodeURIComponent(req.url?.slice(1) ?? '')
    if (req.method === 'GET') return void res.writeHead(events.has(id) ? 200 : 404).end()
    let body = ''
    for await (const chunk of req) body += chunk
    const before = events.get(id)
    events.set(id, { times: (before?.times ?? 0) + 1, calls: Number(body) })
    requests += 1
    if (requests % 50 === 0) return void req.socket.destroy()
    res.writeHead(201).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, events, close: () => server.close() }
}

describe.skipIf(!hasRedis())('a fleet whose processes are killed', () => {
  it('loses no added count and sends no event twice, while replies are lost', {
    timeout: 240_000,
  }, async () => {
    const redis = await startRedis()
    const proxy = await startTcpProxy(redis.port)
    let commands = 0
    proxy.cut = (command) => command === 'EVALSHA' && ++commands % 20 === 0
    const px = await startPx()
    const settings: FleetProcess = { redisPort: proxy.port, pxUrl: px.url, realStartMs: Date.now() }
    const tried = new Set<string>()
    const added = new Set<string>()
    let started = 0

    function start() {
      started += 1
      const child = spawn(
        process.execPath,
        [
          ...['--conditions=@px-usage/source', '--import', 'tsx'],
          join(import.meta.dirname, '../support/redis-fleet-child.ts'),
          ...[JSON.stringify(settings), `p${started}`],
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      let rest = ''
      child.stdout.on('data', (chunk: Buffer) => {
        const lines = `${rest}${chunk}`.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const [word, user = ''] = line.split(' ')
          ;(word === 'added' ? added : tried).add(user)
        }
      })
      return child
    }

    async function kill(child: ReturnType<typeof start>): Promise<void> {
      if (child.exitCode !== null) throw new Error('A process of the fleet ended by itself.')
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    }

    const running = Array.from({ length: processes }, start)
    await expect.poll(() => added.size, { timeout: 30_000 }).toBeGreaterThan(50)
    for (let killed = 0; killed < kills; killed++) {
      const enough = added.size + 20
      await expect.poll(() => added.size, { timeout: 30_000 }).toBeGreaterThan(enough)
      const at = killed % processes
      await kill(running[at] as ReturnType<typeof start>)
      running[at] = start()
    }
    await sleep(1_000)
    for (const child of running) await kill(child)

    const last = await openFleetProcess({ ...settings, redisPort: redis.port })
    const isDrained = async () => {
      while (await closeAndSend(last, settings));
      for await (const _ of last.waiting()) return false
      return (await last.openDays()).length === 0
    }
    await expect.poll(isDrained, { timeout: 60_000, interval: 250 }).toBe(true)

    const calls = new Map<string, number>()
    for (const [id, event] of px.events) {
      expect(event.times, id).toBe(1)
      const user = id.split('.').at(-1) as string
      calls.set(user, (calls.get(user) ?? 0) + event.calls)
    }
    const ofAda = calls.get('ada') as number
    calls.delete('ada')
    expect([...added].filter((user) => calls.get(user) !== 1)).toEqual([])
    expect([...calls].filter(([user, count]) => count !== 1 || !tried.has(user))).toEqual([])
    expect(ofAda).toBe(calls.size)
    expect(tried.size - added.size).toBeLessThanOrEqual(kills + processes)
    expect(added.size).toBeGreaterThan(400)
    expect(proxy.cuts).toBeGreaterThan(50)
    await last.close()
    px.close()
    await proxy.close()
  })
})
