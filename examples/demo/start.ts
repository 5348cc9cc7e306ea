import { subscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore } from '@px-usage/core'
import { createApp as createExpressApp } from 'example-express-basic/app.ts'
import { createApp as createKoaApp } from 'example-koa-basic/app.ts'
import { startEmulator } from 'px-emulator'
import { sendHistory } from './history.ts'
import { dayMs, shortDays } from './short-days.ts'
import { startTraffic } from './traffic.ts'

const realDayMs = Number(process.env.DEMO_DAY_MS ?? 20_000)
/** 50 calls a second on a working day. */
const callsPerDay = realDayMs / 20
const pastDays = 30
/** The clock starts 30 days ago, so that no event of the first ten minutes is dated in the future. */
const startMs = Math.floor(Date.now() / dayMs - 30) * dayMs
const firstMs = startMs - pastDays * dayMs
let now = () => startMs
/** PX accepts values only for declared attributes, and only for users and accounts that exist. */
const declared = [{ apiName: 'dailyApiCalls', type: 'NUMBER' }] as const
const subscription = {
  attributes: { user: declared, account: declared },
  switches: { unknownUser: 'create', unknownAccount: 'create', requestsPerSecond: null },
  now: () => now(),
} as const
const emulator = await startEmulator({ port: 7070, ...subscription }).catch(() =>
  startEmulator({ port: 0, ...subscription }),
)
console.log(`Preparing ${pastDays} past days ...`)
await sendHistory(emulator, { firstMs, days: pastDays, callsPerDay })
const clock = shortDays(startMs, realDayMs)
now = clock.now
const dir = await mkdtemp(join(tmpdir(), 'px-usage-demo-'))
const meter = createMeter({
  apiKey: emulator.apiKey,
  productKey: 'AP-DEMODEMODEMO-2',
  baseUrl: emulator.url,
  attributes: { user: { apiCalls: 'dailyApiCalls' }, account: { apiCalls: 'dailyApiCalls' } },
  store: fileStore({ dir }),
  clock,
  onError: (error) => console.error(error.message),
})

const expressServer = await listen(createExpressApp({ meter }).app)
const koaServer = await listen(createKoaApp({ meter }).app.callback())
const urls = { express: addressOf(expressServer), koa: addressOf(koaServer) }

console.log(`
px-usage demo: real requests to two apps become daily events in a local PX. A day lasts ${realDayMs / 1_000} seconds.

  Report page     ${emulator.url}/?by=accountId&days=14   <- open in a browser; ${pastDays} past days are there
  Express app     ${urls.express}
  Koa app         ${urls.koa}
  Store folder    ${dir}

Ctrl-C stops.
`)

/** Lines of closed days that PX has not confirmed yet. */
const open = new Map<string, { lines: number; sent: number; calls: number }>()
subscribe('px-usage:day:closed', (message) => {
  const { day, lines, calls } = message as { day: string; lines: number; calls: number }
  open.set(day, { lines, sent: 0, calls })
})
subscribe('px-usage:delivery:delivered', (message) => {
  const { day } = message as { day: string }
  const progress = open.get(day)
  if (progress === undefined || ++progress.sent < progress.lines) return
  open.delete(day)
  console.log(`${day} closed: ${progress.sent} events sent, ${progress.calls} calls`)
})

const stopTraffic = startTraffic(urls, { clock, firstMs, callsPerDay })

process.once('SIGINT', () => void stop())
process.once('SIGTERM', () => void stop())

async function stop(): Promise<void> {
  stopTraffic()
  await Promise.all([closed(expressServer), closed(koaServer)])
  const { kept, lost } = await meter.close()
  await emulator.close()
  await rm(dir, { recursive: true })
  console.log(`\nStopped. ${kept.calls + lost.calls} calls of the unfinished day were not sent.`)
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
