import { AsyncResource } from 'node:async_hooks'
import { type ChildProcess, fork } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import Router from '@koa/router'
import type { Meter } from '@px-usage/core'
import express from 'express'
import Koa from 'koa'
import onFinished from 'on-finished'
import { whenFinished } from '../../packages/http/src/completion/when-finished.ts'
import { observeCall } from '../../packages/http/src/observe-call.ts'

/**
 * What it costs to hear of the end of a response, without network: each case in a process of its own, in rounds, paired with bare of the
 * same round. `npm run bench:hooks`.
 */
const rounds = Number(process.env.ROUNDS ?? 11)
const requests = Number(process.env.REQUESTS ?? 6_000)
const connections = 32

type Hook = (req: IncomingMessage, res: ServerResponse) => void

const context = new AsyncResource('bench')
let finished = 0
const count = () => void finished++
const meter = { record: count, ignore: count, callbackFailed: count } as unknown as Meter

const watchedCall = {
  ...{ meter, context, lost: count, finished: count },
  ...{ next: undefined, before: undefined, after: undefined, notes: 0, isQueued: false },
}

const hooks: Record<string, Hook | undefined> = {
  bare: undefined,
  'bare again': undefined,
  'empty middleware': () => {},
  'on-finished': (_req, res) => onFinished(res, () => count()),
  'a `close` listener on the response': (_req, res) => void res.on('close', () => count()),
  'the channel alone': () => {},
  whenFinished: (req, res) => whenFinished({ ...watchedCall, req, res }),
  'observeCall, without a meter': (req, res) =>
    observeCall(req, res, req, {
      meter,
      options: {
        identify: () => null,
        isIgnored: () => false,
        endpoint: undefined,
        ignore: undefined,
        properties: undefined,
        measures: undefined,
      },
      reader: { route: () => '/v1/users/:id' },
    }),
}

function createListener(framework: string, hook: Hook | undefined): RequestListener {
  const body = { id: 'x', name: 'n'.repeat(150) }
  if (framework === 'express') {
    const app = express()
    if (hook) {
      app.use((req, res, next) => {
        hook(req, res)
        next()
      })
    }
    return app.get('/v1/users/:id', (_req, res) => void res.json(body))
  }
  const app = new Koa()
  if (hook) {
    app.use((ctx, next) => {
      hook(ctx.req, ctx.res)
      return next()
    })
  }
  const router = new Router().get('/v1/users/:id', (ctx) => {
    ctx.body = body
  })
  return app.use(router.routes()).callback()
}

/** A connection without a network: each whole answer asks for the next. */
function drive(server: ReturnType<typeof createServer>, calls: number): Promise<void> {
  return new Promise((resolve) => {
    let left = calls
    let seen = ''
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, next) {
        seen += chunk.toString('latin1')
        next()
        const head = seen.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0)
        if (head === -1 || seen.length < head + 4 + length) return
        seen = ''
        ask()
      },
    })
    Object.assign(socket, { setTimeout() {}, setNoDelay() {}, setKeepAlive() {}, remoteAddress: '127.0.0.1' })
    const ask = () => {
      if (left-- > 0) return void socket.push(`GET /v1/users/${left} HTTP/1.1\r\nHost: bench\r\n\r\n`)
      socket.push(null)
      resolve()
    }
    server.emit('connection', socket)
    setImmediate(ask)
  })
}

async function runCase(framework: string, name: string): Promise<void> {
  if (name === 'the channel alone') subscribe('http.server.response.finish', count)
  const server = createServer(createListener(framework, hooks[name]))
  process.on('message', async () => {
    const before = process.cpuUsage()
    await Promise.all(
      Array.from({ length: connections }, () => drive(server, Math.ceil(requests / connections))),
    )
    const { user, system } = process.cpuUsage(before)
    process.send?.((user + system) / requests)
  })
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
const quartiles = (values: number[], digits: number) => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] as number).toFixed(digits)
  return `${median(values).toFixed(digits)} [${at(0.25)}, ${at(0.75)}]`
}

async function compare(framework: string): Promise<void> {
  const names = Object.keys(hooks)
  const children = names.map((name) => fork(import.meta.filename, [framework, name]))
  const measure = (child: ChildProcess) =>
    new Promise<number>((resolve) => {
      child.once('message', (us) => resolve(us as number))
      child.send('run')
    })
  const results = names.map((): number[] => [])
  for (let round = -1; round < rounds; round++) {
    // Another order each round, so that no case always follows the same one.
    for (let turn = 0; turn < names.length; turn++) {
      const at = (turn + (round + 1) * 3) % names.length
      const us = await measure(children[at] as ChildProcess)
      if (round >= 0) results[at]?.push(us)
    }
  }
  for (const child of children) child.kill()
  const bare = results[0] as number[]
  console.log(
    `\n${framework}, in process, Node ${process.versions.node}: bare ${median(bare).toFixed(1)} us of CPU per call; ${rounds} rounds of ${requests} calls, medians and quartiles\n`,
  )
  console.log('| Hook | added us | ratio to bare |\n| --- | --: | --: |')
  for (const [at, name] of names.entries()) {
    if (at === 0) continue
    const own = results[at] as number[]
    const added = own.map((us, round) => us - (bare[round] as number))
    const ratio = own.map((us, round) => us / (bare[round] as number))
    console.log(`| ${name} | ${quartiles(added, 1)} | ${quartiles(ratio, 3)} |`)
  }
}

const [, , framework, name] = process.argv
if (framework !== undefined && name !== undefined) await runCase(framework, name)
else for (const each of ['express', 'koa']) await compare(each)
