import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy that gives each request to the next process. */
export interface Proxy {
  readonly url: string
  add(port: number): void
  /** Gives a process no more requests, and waits until it has responded to those that it has. */
  remove(port: number): Promise<void>
}

export async function startProxy(): Promise<Proxy> {
  const ports: number[] = []
  const open = new Map<number, Set<Promise<unknown>>>()
  let next = 0

  const server = createServer((req, res) => {
    next += 1
    const port = ports[next % ports.length] as number
    const { method, url, headers } = req
    const forward = request({ port, agent: false, method, path: url, headers })
    forward.on('response', (reply) => {
      res.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(res)
    })
    forward.on('error', () => void res.writeHead(502).end())
    req.pipe(forward)
    const closed = once(res, 'close')
    open.get(port)?.add(closed)
    void closed.then(() => open.get(port)?.delete(closed))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add(port) {
      ports.push(port)
      open.set(port, new Set())
    },
    async remove(port) {
      ports.splice(ports.indexOf(port), 1)
      await Promise.all(open.get(port) ?? [])
    },
  }
}
