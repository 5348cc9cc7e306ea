import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { pxUsage as firstCopy } from '@px-usage/http'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openConnection, requestText, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const reloads = 30
const identify = () => ({ userId: 'ann' })

/** Another evaluation of the package, as by a hot reload or beside a CommonJS copy. */
async function anotherCopy(): Promise<typeof firstCopy> {
  vi.resetModules()
  const { pxUsage } = await import('@px-usage/http')
  return pxUsage
}

function subscribers(name: string): number {
  return (channel(name) as unknown as { _subscribers?: unknown[] })._subscribers?.length ?? 0
}

it('two copies of the package with one meter count a call once', async () => {
  const { meter, calls } = recordingMeter()
  const copy = await anotherCopy()
  expect(copy).not.toBe(firstCopy)
  const listeners = [firstCopy({ meter, identify }), copy({ meter, identify })]
  const server = await startServer((req, res) => {
    for (const listener of listeners) listener(req, res)
    res.end('hello')
  })
  onTestFinished(() => server.close())
  const client = openConnection(server.port)
  for (let count = 1; count <= 3; count++) {
    client.write(requestText('GET', '/'))
    await client.until((text) => text.split('hello').length > count)
  }
  await new Promise(setImmediate)
  expect(calls).toHaveLength(3)
})

it('thirty reloads leave one subscriber and one listener on a connection', async () => {
  const sockets = new Set<Socket>()
  const before = new Map<string, number>()
  let current = firstCopy({ meter: recordingMeter().meter, identify })
  const server = await startServer((req, res) => {
    sockets.add(req.socket)
    current(req, res)
    res.end('hello')
  })
  onTestFinished(() => server.close())
  const client = openConnection(server.port)
  const seen: number[] = []
  for (let reload = 1; reload <= reloads; reload++) {
    const { meter, calls } = recordingMeter()
    current = (await anotherCopy())({ meter, identify })
    client.write(requestText('GET', '/'))
    await client.until((text) => text.split('hello').length > reload)
    await vi.waitFor(() => expect(calls).toHaveLength(1), { interval: 1 })
    const [socket] = sockets
    for (const event of ['close', 'removeListener']) {
      const first = before.get(event) ?? socket?.listenerCount(event) ?? 0
      before.set(event, first)
      expect(socket?.listenerCount(event)).toBe(first)
    }
    seen.push(subscribers('http.server.response.finish'))
  }
  expect(new Set(seen)).toEqual(new Set([1]))
  expect(subscribers('http.server.request.start')).toBe(0)
  expect(sockets.size).toBe(1)
})
