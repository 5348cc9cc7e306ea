import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll } from 'vitest'

export interface RedisServerOptions {
  /** Lines of redis.conf, without those that place the server. */
  readonly config?: Readonly<Record<string, string | number>>
  /** A user besides the default one, and what it may do: `'~px:* +hincrby'`. */
  readonly user?: { readonly name: string; readonly password: string; readonly rules: string }
}

/** A redis-server of a test: a process on a free port, with a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly dir: string
  /** Runs a command on a connection of its own as the default user. */
  command(name: string, ...args: readonly (string | number)[]): Promise<unknown>
  kill(): Promise<void>
  /** Stops the process without closing its connections, until `resume()`. */
  pause(): void
  resume(): void
  /** Kills the process if it runs, and starts it again with the same port and data. */
  restart(): Promise<void>
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

const running = new Set<{ end(): Promise<void> }>()
const endAll = async () => {
  for (const server of running) await server.end()
}
// A bench uses this file without vitest.
if (process.env.VITEST !== undefined) afterAll(endAll)

/** Returns whether redis-server is installed; warns that tests are skipped where it is not. */
export function hasRedis(): boolean {
  const found = (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, 'redis-server')))
  if (!found) console.warn('No redis-server found in PATH: the tests that need Redis are skipped.')
  return found
}

/** Starts a server and waits until it serves. It ends with the test file, also when the process of the tests is killed. */
export async function startRedis({ config = {}, user }: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'px-usage-redis-'))
  const [port, busPort] = await freePorts(2)
  const isCluster = config['cluster-enabled'] === 'yes'
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    save: '""',
    appendonly: 'yes',
    'enable-debug-command': 'yes',
    'repl-diskless-sync-delay': 0,
    ...(isCluster ? { 'cluster-port': busPort, 'cluster-node-timeout': 2_000 } : {}),
    ...config,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  if (user !== undefined) lines.push(`user ${user.name} on >${user.password} ${user.rules}`)
  writeFileSync(join(dir, 'redis.conf'), `${lines.join('\n')}\n`)

  let child: ChildProcess | undefined
  let guard: ChildProcess | undefined

  async function startProcess(): Promise<void> {
    child = spawn('redis-server', [join(dir, 'redis.conf')], { stdio: ['ignore', 'pipe', 'inherit'] })
    // A worker of vitest that is killed runs no hook. Its end of this pipe closes all the same, and the shell ends the server.
    guard = spawn('sh', ['-c', 'read _; kill -9 "$0" 2>/dev/null', String(child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    let output = ''
    const ready = new Promise<void>((resolve, reject) => {
      child?.stdout?.on('data', (chunk: Buffer) => {
        output += chunk
        if (output.includes('Ready to accept connections')) resolve()
      })
      child?.once('error', reject)
      child?.once('exit', () => reject(new Error(`redis-server ended before it served:\n${output}`)))
    })
    await ready
  }

  async function kill(): Promise<void> {
    guard?.kill('SIGKILL')
    guard = undefined
    const killed = child
    child = undefined
    if (killed === undefined || killed.exitCode !== null || killed.signalCode !== null) return
    const ended = once(killed, 'exit')
    killed.kill('SIGKILL')
    await ended
  }

  const server: RedisServer = {
    port,
    dir,
    async command(name, ...args) {
      const client = new Redis({
        port,
        lazyConnect: true,
        retryStrategy: () => null,
        enableReadyCheck: false,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        return await client.call(name, ...args)
      } finally {
        client.disconnect()
      }
    },
    kill,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async restart() {
      await kill()
      await startProcess()
    },
    async stop() {
      running.delete(ended)
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  const ended = { end: server.stop }
  running.add(ended)
  await startProcess()
  return server
}

export interface RedisPair {
  readonly primary: RedisServer
  readonly replica: RedisServer
  /** Makes the replica a primary, with what it has received. It does not kill the other one. */
  promote(): Promise<void>
  stop(): Promise<void>
}

/** Starts a primary and a replica that has its data. */
export async function startRedisPair(options: RedisServerOptions = {}): Promise<RedisPair> {
  const [primary, replica] = await Promise.all([startRedis(options), startRedis(options)])
  await replica.command('REPLICAOF', '127.0.0.1', primary.port)
  await until(async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  )
  return {
    primary,
    replica,
    promote: async () => void (await replica.command('REPLICAOF', 'NO', 'ONE')),
    stop: async () => void (await Promise.all([primary.stop(), replica.stop()])),
  }
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** The node that serves the slot of a key. */
  nodeOf(key: string): Promise<RedisServer>
  /** Begins to move the slot of a key: clients get ASK for keys that have moved already, and MOVED once it is finished. */
  beginMove(key: string, to: RedisServer): Promise<{ moveKeys(): Promise<void>; finish(): Promise<void> }>
  stop(): Promise<void>
}

const slots = 16_384

/** Starts three primaries that share the slots. */
export async function startRedisCluster(options: RedisServerOptions = {}): Promise<RedisCluster> {
  const config = { ...options.config, 'cluster-enabled': 'yes' }
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis({ ...options, config })))
  const [first] = nodes as [RedisServer, ...RedisServer[]]
  const share = Math.ceil(slots / nodes.length)
  for (const [at, node] of nodes.entries()) {
    await node.command('CLUSTER', 'ADDSLOTSRANGE', at * share, Math.min(slots, (at + 1) * share) - 1)
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
  }
  for (const node of nodes.slice(1)) {
    const busPort = String(await node.command('CONFIG', 'GET', 'cluster-port')).split(',')[1] ?? ''
    await first.command('CLUSTER', 'MEET', '127.0.0.1', node.port, busPort)
  }
  for (const node of nodes) {
    await until(async () => String(await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    await until(async () => ((await node.command('CLUSTER', 'SLOTS')) as unknown[]).length === nodes.length)
  }

  const idOf = async (node: RedisServer) => String(await node.command('CLUSTER', 'MYID'))
  const slotOf = async (key: string) => Number(await first.command('CLUSTER', 'KEYSLOT', key))

  async function nodeOf(key: string): Promise<RedisServer> {
    const slot = await slotOf(key)
    const ranges = (await first.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    const range = ranges.find(([from, to]) => from <= slot && slot <= to)
    return nodes.find(({ port }) => port === range?.[2][1]) as RedisServer
  }

  return {
    nodes,
    nodeOf,
    async beginMove(key, to) {
      const slot = await slotOf(key)
      const from = await nodeOf(key)
      const [fromId, toId] = [await idOf(from), await idOf(to)]
      await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
      await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
      return {
        async moveKeys() {
          const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 1_000)) as string[]
          if (keys.length === 0) return
          await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys)
        },
        async finish() {
          for (const node of [to, from, ...nodes])
            await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId)
        },
      }
    },
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await isSo().catch(() => false)) return
    await sleep(25)
  }
  throw new Error('A redis-server of the test did not get ready within 10 s.')
}

/** Ports that were free a moment ago, all held at once so that they differ. */
async function freePorts(count: 2): Promise<[number, number]> {
  const holders = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(holders.map((holder) => once(holder, 'listening')))
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port)
  await Promise.all(holders.map((holder) => new Promise((resolve) => holder.close(resolve))))
  return ports as [number, number]
}
