import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmulator } from 'px-emulator'
import { fleetClock } from './fleet-clock.ts'
import { startRedis } from './redis-server.ts'
import { startProxy } from './round-robin.ts'
import { createTruth } from './truth.ts'

interface Process {
  child: ChildProcess
  port: number
}

const processes = 4
const callers = 8
const realDayMs = Number(process.env.FLEET_DAY_MS ?? 15_000)
const startedAt = Date.now()
const clock = fleetClock(startedAt, realDayMs)

const redis = await startRedis().catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
const px = await startEmulator({ port: 7070 }).catch(() => startEmulator({ port: 0 }))
const proxy = await startProxy()
const truth = createTruth(px)
const fleet = await Promise.all(Array.from({ length: processes }, startProcess))
let isStopping = false
let restarts = 0

console.log(`
px-usage fleet: ${processes} Express processes count together in one Redis. A day lasts ${realDayMs / 1_000} seconds.

  PX emulator   ${px.url}   <- open in a browser to see the events
  API           ${proxy.url}/orders/1   (a proxy before the processes)
  Redis         ${redis.url}

Ctrl-C stops.
`)

const working = [restartAtRandom(), ...Array.from({ length: callers }, callAtRandom)]
void checkEachDay()
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

async function startProcess(): Promise<Process> {
  const child = fork(new URL('server.ts', import.meta.url), {
    // Ctrl-C reaches only this script, which then ends all others in order.
    detached: true,
    env: {
      ...process.env,
      PX_API_KEY: px.apiKey,
      PX_PRODUCT_KEY: px.productKey,
      PX_BASE_URL: px.url,
      REDIS_URL: redis.url,
      FLEET_STARTED_AT: String(startedAt),
      FLEET_DAY_MS: String(realDayMs),
    },
  })
  process.once('exit', () => child.kill())
  const [port] = (await once(child, 'message')) as [number]
  proxy.add(port)
  return { child, port }
}

/** Ends a process as an orchestrator does: it gets no more requests, then SIGTERM. */
async function stopProcess({ child, port }: Process): Promise<void> {
  await proxy.remove(port)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

async function restartAtRandom(): Promise<void> {
  while (!isStopping) {
    await sleep((0.05 + 0.1 * Math.random()) * realDayMs)
    const at = Math.floor(Math.random() * processes)
    await stopProcess(fleet[at] as Process)
    fleet[at] = await startProcess()
    restarts += 1
  }
}

async function callAtRandom(): Promise<void> {
  while (!isStopping) {
    await sleep(100 * Math.random())
    // A call might be handled before midnight and finished after it. So that the day of each call is known, this script makes none then.
    const time = new Date(clock.now()).toISOString().slice(11)
    if (time < '23:59:50') await truth.call(proxy.url)
  }
}

async function checkEachDay(): Promise<void> {
  for (;;) {
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    await sleep(realDayMs - ((Date.now() - startedAt) % realDayMs))
    const check = await truth.check(day)
    if (check === undefined || isStopping) continue
    console.log(`${check.text} Restarts so far: ${restarts}.`)
    if (!check.isRight) process.exitCode = 1
  }
}

async function stop(): Promise<void> {
  isStopping = true
  await Promise.all(working)
  await Promise.all(fleet.map(stopProcess))
  await px.close()
  redis.stop()
  process.exit()
}
