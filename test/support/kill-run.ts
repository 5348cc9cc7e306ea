import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { fileStore } from '../../packages/core/src/stores/file-store.ts'

export interface KillRun {
  /** Responses that the clients received. */
  acknowledged: number
  /** Requests that were sent and had no response when the process ended. */
  inFlight: number
  requestsPerSecond: number
  /** Writes were slow meanwhile, so that they did not happen in every turn. */
  wasSlow: boolean
}

export const connections = 40

/**
 * How many calls may be lost at most: those of the turn that is in progress, one for each connection, and those of the 2 ms
 * before it. On a fast machine a connection has one response in each of these milliseconds.
 */
export const mostAtStake = 3 * connections

/**
 * Lets a process serve and count under full load on 40 connections, and ends it in the middle.
 *
 * @param how a signal; or what the process does itself: `exit`, `throw`, or `memory` until it has none
 */
export async function serveAndEnd(
  dir: string,
  options: {
    durability?: string
    loadMs: number
    redisPort?: number
    how?: 'SIGKILL' | 'SIGSEGV' | 'exit' | 'throw' | 'memory'
  },
): Promise<KillRun> {
  const { durability = 'turn', loadMs, redisPort = '', how = 'SIGKILL' } = options
  const child = fork(join(import.meta.dirname, 'kill-child.ts'), [dir, durability, how, String(redisPort)], {
    execArgv: [
      ...(how === 'memory' ? ['--max-old-space-size=64'] : []),
      '--conditions=@px-usage/source',
      '--import',
      'tsx',
    ],
    stdio: ['ignore', 'pipe', how === 'throw' || how === 'memory' ? 'ignore' : 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  let wasSlow = false
  child.on('message', () => {
    wasSlow = true
  })
  const port = await portOf(child)
  const clients = await Promise.all(
    Array.from({ length: connections }, (_, client) => openClient(port, client)),
  )
  const from = performance.now()
  for (const client of clients) client.start()
  await new Promise((resolve) => setTimeout(resolve, loadMs))
  const tookMs = performance.now() - from
  if (how === 'SIGKILL' || how === 'SIGSEGV') child.kill(how)
  else child.send('end')
  await ended
  await Promise.all(clients.map(({ closed }) => closed))
  const acknowledged = clients.reduce((sum, { answers }) => sum + answers, 0)
  const inFlight = clients.reduce((sum, { sent, answers }) => sum + sent - answers, 0)
  return { acknowledged, inFlight, requestsPerSecond: (acknowledged / tookMs) * 1_000, wasSlow }
}

/** Calls in the folder, as a process that starts there now counts them. */
export async function countedIn(dir: string): Promise<number> {
  const store = fileStore({ dir })
  await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
  let calls = 0
  for (const day of await store.openDays()) {
    for await (const { values } of store.totals(day)) calls += values[0] ?? 0
  }
  await store.close()
  return calls
}

async function portOf(child: ChildProcess): Promise<number> {
  let text = ''
  for await (const chunk of child.stdout ?? []) {
    text += chunk
    const port = /port (\d+)/.exec(text)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error(`The child ended before it listened: ${text}`)
}

interface Client {
  sent: number
  answers: number
  closed: Promise<unknown>
  start(): void
}

/** One request after the other; a response is over with its body. */
function openClient(port: number, number: number): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    const request = `GET /user-${number} HTTP/1.1\r\nhost: a\r\n\r\n`
    const client: Client = {
      sent: 0,
      answers: 0,
      closed: new Promise((done) => socket.once('close', done)),
      start() {
        client.sent += 1
        socket.write(request)
      },
    }
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      rest += text
      if (!rest.endsWith('ok\r\n0\r\n\r\n') && !rest.endsWith('\r\n\r\nok')) return
      rest = ''
      client.answers += 1
      client.start()
    })
    socket.once('connect', () => resolve(client))
    socket.once('error', reject)
    socket.on('error', () => {})
  })
}
