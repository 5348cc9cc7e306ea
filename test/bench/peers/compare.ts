import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import autocannon from 'autocannon'
import { createRequests } from './api.ts'
import { intervalOf } from './interval.ts'

/*
 * What each middleware adds to a call. Every case runs in a process of its own. All cases take turns, and each value is paired with
 * that of the bare app in the same pass. Each round starts all processes again.
 *
 * Settings, all optional: FRAMEWORK, MODE ('in process' or 'over sockets'), CASES (names, separated by `;`), ROUNDS, PASSES, CALLS (of
 * one slice in process) and SECONDS (of one slice over sockets).
 */
const rounds = Number(process.env.ROUNDS ?? 5)
const passes = Number(process.env.PASSES ?? 10)
const calls = Number(process.env.CALLS ?? 3_000)
const seconds = Number(process.env.SECONDS ?? 1)
const warmUpSlices = 15
const frameworks = process.env.FRAMEWORK?.split(';') ?? ['express', 'koa']
const modes = process.env.MODE?.split(';') ?? ['in process', 'over sockets']
const others = process.env.CASES?.split(';') ?? [
  "prototype on Node's channel",
  'on-finished, empty callback',
  'px-usage, memory store',
  'px-usage, file store',
  'prom-client, user label',
  'Apitally',
]
const names = ['bare', 'bare again', ...others]

/** What one slice of a case came to. */
interface Slice {
  readonly usPerCall: number
  readonly perSecond: number
  readonly p99: number
}

interface Measure {
  readonly title: string
  readonly digits: number
  /** Compares a case with the bare app of the same pass. */
  of(slice: Slice, bare: Slice): number
}

const inProcess: readonly Measure[] = [
  { title: 'added us', digits: 1, of: (slice, bare) => slice.usPerCall - bare.usPerCall },
  { title: 'CPU ratio', digits: 3, of: (slice, bare) => slice.usPerCall / bare.usPerCall },
]
const overSockets: readonly Measure[] = [
  ...inProcess,
  { title: 'throughput ratio', digits: 3, of: (slice, bare) => slice.perSecond / bare.perSecond },
  { title: 'p99 ratio', digits: 2, of: (slice, bare) => slice.p99 / bare.p99 },
]

/** Receives what the peers report. */
const sink = createServer((req, res) => {
  req.resume()
  res.setHeader('content-type', 'application/json')
  res.end('{}')
})
await once(sink.listen(0, '127.0.0.1'), 'listening')
const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
const ownSettings = { BENCH_SINK: sinkUrl, APITALLY_HUB_BASE_URL: sinkUrl, NODE_ENV: 'production', DEBUG: '' }

/** Keeps servers on one core and the client on the other, where the system has `taskset`. */
function pin(pid: number | undefined, core: number): void {
  try {
    execFileSync('taskset', ['-pc', String(core), String(pid)], { stdio: 'ignore' })
  } catch {
    // Without it the figures are noisier.
  }
}
pin(process.pid, 1)

interface Usage {
  cpuUs: number
  totalCpuUs: number
}

class CaseServer {
  readonly name: string
  readonly #child: ChildProcess
  readonly #port: number

  constructor(name: string, child: ChildProcess, port: number) {
    this.name = name
    this.#child = child
    this.#port = port
  }

  static async start(framework: string, name: string): Promise<CaseServer> {
    const child = fork(new URL('server.js', import.meta.url), [framework, name], {
      env: { ...process.env, ...ownSettings },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    pin(child.pid, 0)
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return new CaseServer(name, child, port)
  }

  async #serve(calls: number): Promise<Usage> {
    const reply = once(this.#child, 'message') as Promise<[Usage]>
    this.#child.send({ calls })
    return (await reply)[0]
  }

  async sliceInProcess(): Promise<Slice> {
    const { cpuUs } = await this.#serve(calls)
    return { usPerCall: cpuUs / calls, perSecond: 0, p99: 0 }
  }

  async sliceOverSockets(): Promise<Slice> {
    const { totalCpuUs: before } = await this.#serve(0)
    const sleep = keepAwake()
    const { requests, latency, errors } = await autocannon({
      url: `http://127.0.0.1:${this.#port}`,
      connections: 32,
      duration: seconds,
      requests: loadRequests,
    })
    sleep()
    if (errors > 0) throw new Error(`${this.name}: ${errors} requests failed.`)
    const { totalCpuUs } = await this.#serve(0)
    return {
      usPerCall: (totalCpuUs - before) / requests.total,
      perSecond: requests.total / seconds,
      p99: latency.p99,
    }
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}

const loadRequests = createRequests()
  .slice(0, 1_024)
  .map(({ method, path, headers, body }) => ({ method: method as 'GET' | 'POST', path, headers, body }))

/**
 * Keeps the event loop of this process from sleeping until the returned function is called. A write to a connection whose other side
 * sleeps has to wake its core, which costs the server 10 us in a virtual machine. A slower server lets the client sleep more often.
 */
function keepAwake(): () => void {
  let next = setImmediate(function again() {
    next = setImmediate(again)
  })
  return () => clearImmediate(next)
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value)
}

const mean = (first: Slice, second: Slice): Slice => ({
  usPerCall: (first.usPerCall + second.usPerCall) / 2,
  perSecond: (first.perSecond + second.perSecond) / 2,
  p99: (first.p99 + second.p99) / 2,
})

/** Visits all servers in a new order and then backward, so that a machine that becomes slower does so for all of them. */
async function onePass(servers: readonly CaseServer[], slice: (server: CaseServer) => Promise<Slice>) {
  const order = shuffled(servers)
  const forward = new Map<string, Slice>()
  for (const server of order) forward.set(server.name, await slice(server))
  const slices = new Map<string, Slice>()
  for (const server of order.toReversed()) {
    slices.set(server.name, mean(forward.get(server.name) as Slice, await slice(server)))
  }
  return slices
}

async function compare(framework: string, mode: string): Promise<void> {
  const isInProcess = mode === 'in process'
  const slice = (server: CaseServer) => (isInProcess ? server.sliceInProcess() : server.sliceOverSockets())
  const rows: Map<string, Slice>[][] = []
  for (let round = 0; round < rounds; round++) {
    const servers: CaseServer[] = []
    for (const name of shuffled(names)) {
      const server = await CaseServer.start(framework, name)
      for (let warmUp = 0; warmUp < warmUpSlices; warmUp++) await server.sliceInProcess()
      servers.push(server)
    }
    if (!isInProcess) await onePass(servers, slice)
    const ofRound: Map<string, Slice>[] = []
    for (let pass = 0; pass < passes; pass++) ofRound.push(await onePass(servers, slice))
    rows.push(ofRound)
    for (const server of servers) server.stop()
  }
  print(framework, mode, rows, isInProcess ? inProcess : overSockets)
}

function print(
  framework: string,
  mode: string,
  rows: readonly (readonly Map<string, Slice>[])[],
  measures: readonly Measure[],
): void {
  const sliceOf = (pass: Map<string, Slice>, name: string) => pass.get(name) as Slice
  const bareUs = intervalOf(rows.map((passes) => passes.map((pass) => sliceOf(pass, 'bare').usPerCall)))
  console.log(
    `\n### ${framework}, ${mode}, Node ${process.versions.node}: bare ${bareUs.median.toFixed(1)} us of CPU a call\n`,
  )
  console.log(`${rounds} rounds of ${passes} passes; medians [95 % intervals]\n`)
  console.log(`| Case | ${measures.map(({ title }) => title).join(' | ')} |`)
  console.log(`| --- |${' --: |'.repeat(measures.length)}`)
  for (const name of names.slice(1)) {
    const cells = measures.map(({ of, digits }) => {
      const { median, low, high } = intervalOf(
        rows.map((passes) => passes.map((pass) => of(sliceOf(pass, name), bareOf(pass, name)))),
      )
      return `${median.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`
    })
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

/** The bare app that a case is compared with: both of them, except for the one that shows the noise. */
function bareOf(pass: Map<string, Slice>, name: string): Slice {
  const bare = pass.get('bare') as Slice
  return name === 'bare again' ? bare : mean(bare, pass.get('bare again') as Slice)
}

for (const framework of frameworks) for (const mode of modes) await compare(framework, mode)
sink.close()
