import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandName, RespFrames } from './resp-frames.ts'

/** A proxy between a Redis client and a server. Its fields may change at any time. */
export interface TcpProxy {
  readonly port: number
  /** The port of the server for new connections. */
  target: number
  /** Refuses new connections, or accepts them and forwards nothing in either direction; open ones as well. */
  mode: 'forward' | 'refuse' | 'hang'
  /** Holds each reply back this long. */
  delayMs: number
  /** Whether the connection ends instead of the reply to this command, which the server has carried out: its name, and its number among those of the name, from 1. */
  cut: (name: string, n: number) => boolean
  /** Replies that were cut. */
  readonly cuts: number
  /** Ends all connections. */
  disconnect(): void
  close(): Promise<void>
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const counts = new Map<string, number>()
  let cuts = 0

  const server = createServer((client) => {
    if (proxy.mode === 'refuse') return client.destroy()
    const upstream = connect(proxy.target, '127.0.0.1')
    const names: string[] = []
    const requests = new RespFrames()
    const replies = new RespFrames()
    let relayed = Promise.resolve()

    function end(): void {
      client.destroy()
      upstream.destroy()
    }

    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }

    client.on('data', (chunk: Buffer) => {
      if (proxy.mode === 'hang') return
      for (const frame of requests.push(chunk)) {
        names.push(commandName(frame))
        upstream.write(frame)
      }
    })
    upstream.on('data', (chunk: Buffer) => {
      for (const frame of replies.push(chunk)) {
        const isPush = frame[0] === '>'.charCodeAt(0)
        relayed = relayed.then(() => relay(frame, isPush ? undefined : names.shift()))
      }
    })

    async function relay(frame: Buffer, name: string | undefined): Promise<void> {
      if (proxy.delayMs > 0) await sleep(proxy.delayMs)
      if (proxy.mode === 'hang') return
      if (name !== undefined) {
        const n = (counts.get(name) ?? 0) + 1
        counts.set(name, n)
        if (!client.destroyed && proxy.cut(name, n)) {
          cuts += 1
          return end()
        }
      }
      if (!client.destroyed) client.write(frame)
    }
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    target,
    mode: 'forward',
    delayMs: 0,
    cut: () => false,
    get cuts() {
      return cuts
    },
    disconnect() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      proxy.disconnect()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
