import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hasRedis, startRedis } from '../../support/redis-server.ts'

/**
 * Whether the clients of a service of 8 processes notice that an operator runs `px-usage status` and `preview` without a pause: the same
 * load in turns without a reader, without a reader again (the noise), with one, and with a program of the same low priority that only
 * computes. Latency counts from the moment in which a request was due. Run with `npm run bench:reading`.
 */
const perSecond = Number(process.env.RATE ?? 400)
const rounds = Number(process.env.ROUNDS ?? 12)
const sliceMs = 2_000
const workers = 8
const cases = [
  'no reader',
  'no reader again',
  'status and preview in a loop',
  'a program that only computes',
] as const

function start(file: string, args: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, file), args, {
    execArgv: ['--conditions=@px-usage/source', '--import', 'tsx'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
}

/** Sends requests for the time of a slice, and returns their latencies, sorted. */
async function slice(ports: readonly number[], agent: Agent): Promise<number[]> {
  const latencies: number[] = []
  const startMs = performance.now()
  const total = (perSecond * sliceMs) / 1_000
  let open = 0
  for (let made = 0; made < total; ) {
    for (; made < total && (made * 1_000) / perSecond <= performance.now() - startMs; made++) {
      const dueMs = startMs + (made * 1_000) / perSecond
      open += 1
      const path = `/v1/things-${made % 10}/${made}`
      const headers = { 'x-user': `user-${Math.floor(Math.random() * 2_000)}` }
      get({ host: '127.0.0.1', port: ports[made % ports.length], path, headers, agent }, (res) => {
        res.resume().on('end', () => {
          latencies.push(performance.now() - dueMs)
          open -= 1
        })
      })
    }
    await wait(1)
  }
  while (open > 0) await wait(2)
  return latencies.sort((a, b) => a - b)
}

const quantile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
const median = (values: readonly number[]) =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )

async function measure(kind: 'folder' | 'redis', place: string, flags: readonly string[]): Promise<void> {
  const children = Array.from({ length: workers }, () => start('worker-child.ts', [kind, place]))
  const ports = await Promise.all(children.map(async (child) => Number((await once(child, 'message'))[0])))
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  await slice(ports, agent)
  // Processes write about themselves, and Redis has their counts, after a while.
  await wait(3_000)
  const reader = start('reader-child.ts', flags)
  await once(reader, 'message')
  const parts = [0.5, 0.9, 0.99]
  const measured = new Map<string, number[][]>(cases.map((name) => [name, []]))
  let [readings, wrong] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? cases : cases.toReversed()) {
      const task = name === cases[2] ? 'read' : name === cases[3] ? 'compute' : undefined
      if (task !== undefined) reader.send(task)
      const sorted = await slice(ports, agent)
      if (task !== undefined) {
        reader.send('stop')
        const [done] = (await once(reader, 'message')) as [{ readings: number; wrong: number }]
        readings += done.readings
        wrong = done.wrong
      }
      measured.get(name)?.push(parts.map((part) => quantile(sorted, part)))
    }
  }
  console.log(
    `\n${workers} processes, ${kind}, ${perSecond} requests per second, ${rounds} rounds of ${sliceMs} ms`,
  )
  console.log(
    '| | p50 ms | p90 ms | p99 ms | p50 ratio [range] | p99 ratio [range] |\n|---|--:|--:|--:|--:|--:|',
  )
  const bare = measured.get(cases[0]) as number[][]
  for (const [name, slices] of measured) {
    const times = parts.map((_, part) => median(slices.map((of) => of[part] as number)).toFixed(2))
    const ratios = [0, 2].map((part) => {
      const paired = slices.map((of, round) => (of[part] as number) / (bare[round]?.[part] as number))
      return `${median(paired).toFixed(2)} [${Math.min(...paired).toFixed(2)}, ${Math.max(...paired).toFixed(2)}]`
    })
    console.log(`| ${name} | ${[...times, ...ratios].join(' | ')} |`)
  }
  console.log(`${readings} readings of status and preview; ${wrong} of them did not add up.`)
  agent.destroy()
  for (const child of [reader, ...children]) child.disconnect()
}

const dir = mkdtempSync(join(tmpdir(), 'px-usage-reading-'))
await measure('folder', dir, ['--dir', dir])
if (hasRedis()) {
  const server = await startRedis()
  await measure('redis', String(server.port), ['--redis', `redis://127.0.0.1:${server.port}`])
  await server.stop()
}
rmSync(dir, { recursive: true, force: true })
