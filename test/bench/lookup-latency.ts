import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { MeterStats } from '@px-usage/core'

/**
 * Whether a lookup that fails 30 %, hangs 10 % and is slow 20 % of the time is felt by the clients of an Express app: the
 * same load in turns on the bare app, on the bare app again (the noise), and on the app with the middleware. Latency is
 * counted from the moment in which a request was due, so that a server which falls behind cannot hide it.
 *
 * It takes a minute: `node --conditions=@px-usage/source --import tsx test/bench/lookup-latency.ts [requests per second]`
 */
const perSecond = Number(process.argv[2] ?? 2_000)
const rounds = 20
const sliceMs = 700
const credentials = 5_000
const sockets = 64

class Server {
  readonly latencies: number[] = []
  sent = 0
  private isStopped = false
  private readonly free: Socket[] = []
  private readonly due: number[] = []
  readonly name: string
  private readonly child: ChildProcess

  constructor(name: string, child: ChildProcess) {
    this.name = name
    this.child = child
  }

  static async start(name: string, kind: string): Promise<Server> {
    const child = fork(join(import.meta.dirname, '../support/lookup-server-child.ts'), [kind], {
      execArgv: ['--conditions=@px-usage/source', '--import', 'tsx'],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const server = new Server(name, child)
    const [port] = (await once(child, 'message')) as [number]
    for (let i = 0; i < sockets; i++) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      // A request on a closed connection would be waited for without end.
      socket.on('close', () => {
        if (!server.isStopped) throw new Error(`The app "${name}" closed a connection.`)
      })
      server.free.push(socket)
    }
    return server
  }

  /** Sends what is due by now, as far as there are sockets. */
  send(dueAtMs: number): void {
    this.due.push(dueAtMs)
    this.next()
  }

  private next(): void {
    while (this.due.length > 0 && this.free.length > 0) {
      const dueAtMs = this.due.shift() as number
      const socket = this.free.pop() as Socket
      this.sent += 1
      socket.write(
        `GET /v1/users/${this.sent} HTTP/1.1\r\nHost: a\r\nx-api-key: key-${Math.floor(Math.random() * credentials)}\r\n\r\n`,
      )
      socket.once('data', () => {
        this.latencies.push(performance.now() - dueAtMs)
        this.free.push(socket)
        this.next()
      })
    }
  }

  get idle(): boolean {
    return this.due.length === 0 && this.free.length === sockets
  }

  async counted(): Promise<Counted> {
    this.child.send('stats')
    const [counted] = (await once(this.child, 'message')) as [Counted]
    return counted
  }

  stop(): void {
    this.isStopped = true
    for (const socket of this.free) socket.destroy()
    this.child.disconnect()
  }
}

type Counted = MeterStats['calls'] & { lookups: number; mostFound: number }

/** The latencies of one slice, sorted. */
async function slice(server: Server): Promise<number[]> {
  const startMs = performance.now()
  const total = (perSecond * sliceMs) / 1_000
  server.latencies.length = 0
  for (let made = 0; made < total; ) {
    const elapsedMs = performance.now() - startMs
    for (; made < total && (made * 1_000) / perSecond <= elapsedMs; made++) {
      server.send(startMs + (made * 1_000) / perSecond)
    }
    await wait(1)
  }
  while (!server.idle) await wait(5)
  return [...server.latencies].sort((a, b) => a - b)
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
}

const median = (values: readonly number[]) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )

const servers = [
  await Server.start('bare', 'bare'),
  await Server.start('bare again', 'bare'),
  await Server.start('metered', 'metered'),
]
for (const server of servers) await slice(server)
const metered = servers[2] as Server

const parts = [0.5, 0.9, 0.99, 0.999]
const measured = new Map<Server, number[][]>(servers.map((server) => [server, []]))
for (let round = 0; round < rounds; round++) {
  for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
    const sorted = await slice(server)
    measured.get(server)?.push(parts.map((part) => quantile(sorted, part)))
  }
}
await wait(1_500)
const { counted, pending, unattributed, lookups, mostFound } = await metered.counted()

console.log(
  `${perSecond} requests per second for ${sliceMs} ms in turns, ${rounds} rounds, ${credentials} credentials.\n`,
)
console.log('| App | p50 ms | p90 ms | p99 ms | p99.9 ms | p50 ratio [range] | p99 ratio [range] |')
console.log('|---|--:|--:|--:|--:|--:|--:|')
const bare = measured.get(servers[0] as Server) as number[][]
for (const [server, slices] of measured) {
  const times = parts.map((_, part) => median(slices.map((of) => of[part] as number)).toFixed(2))
  const ratios = [0, 2].map((part) => {
    const paired = slices.map((of, round) => (of[part] as number) / (bare[round]?.[part] as number))
    return `${median(paired).toFixed(2)} [${Math.min(...paired).toFixed(2)}, ${Math.max(...paired).toFixed(2)}]`
  })
  console.log(`| ${server.name} | ${[...times, ...ratios].join(' | ')} |`)
}
const told = Object.values(unattributed).reduce((sum, times) => sum + times, 0)
console.log(
  `\n${metered.sent} requests: ${counted} counted, ${told} told as unattributed (${JSON.stringify(unattributed)}), ${pending} pending, ${metered.sent - counted - told - pending} lost. ${lookups} lookups; at most ${mostFound} that found its owner for any credential.`,
)
for (const server of servers) server.stop()
