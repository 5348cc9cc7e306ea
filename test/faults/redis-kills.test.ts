import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readRedis } from '@px-usage/redis'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, describe, expect, it } from 'vitest'
import { fastClock } from '../support/fast-clock.ts'
import { type FleetOfProcesses, type FleetProcess, fleetOfProcesses } from '../support/fleet-process.ts'
import { connectClient } from '../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis, startRedisPair } from '../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

interface Plan {
  readonly instances: number
  /** Each is a run over one midnight. */
  readonly evenings: number
  readonly kills: number
  readonly minutesBefore: number
  readonly users: number
  /** Whether every fifth kill is one of the primary, whose replica takes over. The processes have a folder in common then. */
  readonly failovers: boolean
}

/** The calls that a process counts in one turn of its event loop. */
const callsOfTurn = 21

const everyDay: Plan = {
  ...{ instances: 3, evenings: 1, kills: 3, minutesBefore: 3, users: 100, failovers: false },
}
/** With `SOAK=long`. */
const long: Plan = { ...everyDay, instances: 8, evenings: 6, kills: 14, minutesBefore: 12, users: 1_250 }
const longWithFailovers: Plan = {
  ...{ instances: 6, evenings: 4, kills: 50, minutesBefore: 40, users: 300, failovers: true },
}
const isLong = process.env.SOAK === 'long'
/** A minute of the processes takes 1 or 3 seconds, so that a claim and the wait for a dead process take 5 or 15 seconds. */
const speed = isLong ? 20 : 60
const minuteMs = 60_000
const realNow = () => performance.timeOrigin + performance.now()

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startPx(now: () => number): Promise<Emulator> {
  const px = await startEmulator({ port: 0, now, keepRequests: 10 })
  cleanUps.push(() => px.close())
  px.setSwitches({ requestsPerSecond: null, requestsPerDay: null, visibilityLagMs: 10_000 })
  const url = '/v1/events/*'
  px.addFault({ method: 'POST', url, probability: 0.01, fault: { reset: true, store: true } })
  px.addFault({ method: 'POST', url, probability: 0.005, fault: { status: 503, store: true } })
  px.addFault({ method: 'POST', url, probability: 0.005, fault: { reset: true } })
  px.addKey('reader', { read: true, write: false })
  return px
}

/** Compares what PX has of the days that are over with the truth. */
function compare(px: Emulator, fleet: FleetOfProcesses, today: string) {
  const events = new Map<string, number>()
  const calls = new Map<string, number>()
  let revisions = 0
  for (const { eventName, identifyId, attributes } of px.events()) {
    const id = [eventName, attributes.day, identifyId, attributes.revision ?? 0].join()
    events.set(id, (events.get(id) ?? 0) + 1)
    if (eventName !== 'dailyApiCalls') continue
    if (attributes.revision !== undefined) revisions += 1
    const key = `${attributes.day} ${identifyId}`
    calls.set(key, (calls.get(key) ?? 0) + Number(attributes.apiCalls))
  }
  const sent = [...calls.values()].reduce((all, one) => all + one, 0)
  const found = { lost: 0, excess: 0, doubled: 0 }
  for (const times of events.values()) found.doubled += times - 1
  for (const [key, { least, most }] of fleet.truth()) {
    if (key.slice(0, 10) >= today) continue
    const has = calls.get(key) ?? 0
    found.lost += Math.max(0, least - has)
    found.excess += Math.max(0, has - most)
  }
  const totals = [...events.keys()].filter((id) => id.startsWith('dailyApiCalls,')).length
  return { lines: events.size, totals, calls: sent, revisions, ...found }
}

/** Expects that Redis has a line for each event of PX, once, and has as delivered only what PX has. */
async function expectRecordOf(px: Emulator, port: number): Promise<void> {
  const client = await connectClient('ioredis', { port })
  cleanUps.push(client.close)
  const [reader] = await readRedis({ sendCommand: (args) => client.sendCommand(args) })
  const inPx = px.events().map(({ attributes }) => String(attributes.rollupId))
  const [lines, delivered] = [[] as string[], [] as string[]]
  for await (const { id, state } of reader?.lines('0000', '9999') ?? []) {
    lines.push(id)
    if (state === 'delivered') delivered.push(id)
  }
  expect(new Set(lines).size).toBe(lines.length)
  expect(inPx.filter((id) => !lines.includes(id))).toEqual([])
  expect(delivered.filter((id) => !inPx.includes(id))).toEqual([])
  expect([delivered.length > 0, await reader?.incompleteUpTo()]).toEqual([true, undefined])
}

/** A primary with a replica, of which each takes over from the other. */
async function startServers(withReplica: boolean) {
  if (!withReplica) {
    const primary = await startRedis()
    return { port: primary.port, failOver: async (_proxy: TcpProxy) => {} }
  }
  const pair = await startRedisPair()
  let [primary, replica] = [pair.primary, pair.replica] as [RedisServer, RedisServer]
  const isInSync = async () =>
    String(await replica.command('INFO', 'replication').catch(() => '')).includes('master_link_status:up')
  return {
    port: primary.port,
    async failOver(proxy: TcpProxy) {
      await expect.poll(isInSync, { timeout: 20_000 }).toBe(true)
      await primary.kill()
      await replica.command('REPLICAOF', 'NO', 'ONE')
      proxy.target = replica.port
      proxy.disconnect()
      ;[primary, replica] = [replica, primary]
      await replica.restart()
      await replica.command('REPLICAOF', '127.0.0.1', primary.port)
    },
  }
}

describe.skipIf(!hasRedis())('a fleet whose processes are killed', { timeout: 1_800_000 }, () => {
  it('loses no stored call and sends no event twice, while replies of Redis are lost', () =>
    killFleet(isLong ? long : everyDay))

  if (isLong) it('says what it loses when the primary is killed as well', () => killFleet(longWithFailovers))

  async function killFleet(plan: Plan): Promise<void> {
    const { instances, evenings, kills, minutesBefore, users, failovers } = plan
    const redis = await startServers(failovers)
    const proxy = await startTcpProxy(redis.port)
    cleanUps.push(() => proxy.close())
    proxy.cut = (name, n) => name === 'EVALSHA' && n % 20 === 0
    const fleet = fleetOfProcesses()
    cleanUps.push(() => fleet.killAll())
    const dir = failovers ? mkdtempSync(join(tmpdir(), 'px-usage-redis-kills-')) : undefined
    if (dir !== undefined) cleanUps.push(async () => rmSync(dir, { recursive: true, force: true }))
    const firstMs = Date.parse('2026-11-24T00:00:00Z') - minutesBefore * minuteMs
    let clock = fastClock(firstMs, realNow(), speed)
    const px = await startPx(() => clock.now())
    const killed = { instances: 0, leaders: 0, primaries: 0 }
    let pauses = 0
    /** Reads its code while the others work, and replaces the next one that is killed. */
    let spare = fleet.start()

    for (let evening = 0; evening < evenings; evening++) {
      const running = Array.from({ length: instances }, () => fleet.start())
      await Promise.all(running.map((one) => one.ready))
      const times = { startMs: firstMs + evening * 86_400_000, realStartMs: realNow(), speed }
      clock = fastClock(times.startMs, times.realStartMs, speed)
      const day = new Date(times.startMs).toISOString().slice(0, 10)

      /** Every other process may not write to PX, so it must leave the sending to another one. */
      function begin(one: FleetProcess, at: number): void {
        const apiKey = at % 2 === 0 ? px.apiKey : 'reader'
        const { url: pxUrl, productKey } = px
        one.begin({ ...{ redisPort: proxy.port, pxUrl, apiKey, productKey, users, dir }, clock: times })
      }

      async function killOne(kill: number): Promise<void> {
        const next = spare
        spare = fleet.start()
        await Promise.all([next.ready, sleep(250)])
        const leader = running.findIndex((one) => one.leads())
        const isLeader = kill % 2 === 0 && leader >= 0
        const at = isLeader ? leader : kill % instances
        const victim = running[at] as FleetProcess
        await victim.works
        // A process that was frozen for longer than a lease goes on meanwhile.
        const paused = running[(at + 1) % instances]
        if (kill % 3 === 0) {
          paused?.pause(2_000)
          pauses += 1
        }
        await victim.end('SIGKILL')
        killed[isLeader ? 'leaders' : 'instances'] += 1
        begin(next, at)
        running[at] = next
      }

      for (const [at, one] of running.entries()) begin(one, at)
      await Promise.all(running.map((one) => one.works))
      for (let kill = 1; kill <= kills; kill++) {
        if (!failovers || kill % 5 !== 0) await killOne(kill)
        else {
          await redis.failOver(proxy)
          killed.primaries += 1
        }
      }
      const today = () => new Date(clock.now()).toISOString().slice(0, 10)
      const hasArrived = () => {
        if (!px.events().some(({ attributes }) => attributes.day === day)) return false
        // Each user called one endpoint.
        const { lines, totals, lost } = compare(px, fleet, today())
        return lines === 2 * totals && lost === 0
      }
      await expect
        .poll(hasArrived, { timeout: failovers ? 90_000 : 300_000, interval: 500 })
        .toBe(true)
        .catch((error: unknown) => {
          // A kill or a failover may cost calls, so nothing says that the last ones have arrived.
          if (failovers) return
          // Each kind of error once: thousands of lost replies would hide the others.
          const kinds = new Map(fleet.errors.map((text) => [text.slice(0, 100), text]))
          console.log(compare(px, fleet, today()), [...kinds.values()].join('\n'))
          throw error
        })
      await Promise.all(running.map((one) => one.works))
      await Promise.all(running.map((one, at) => one.end(at % 2 === 0 ? 'SIGTERM' : 'SIGKILL')))
    }
    const figures = compare(px, fleet, new Date(clock.now()).toISOString().slice(0, 10))
    const told = `${instances} processes, ${evenings} days: kills of ${killed.instances} instances, ${killed.leaders} leaders, ${killed.primaries} primaries; ${pauses} pauses, ${proxy.cuts} lost replies`
    console.log(told, figures)
    if (!failovers) {
      expect(figures).toMatchObject({ lost: 0, excess: 0, doubled: 0 })
      await expectRecordOf(px, redis.port)
    } else {
      expect(figures.lost).toBeLessThanOrEqual((killed.instances + killed.leaders) * callsOfTurn)
      // A primary that dies takes along that an event was sent, and a sender that dies soon after cannot say so again.
      expect(figures.excess + figures.doubled).toBeLessThan(figures.calls / 1_000)
    }
  }
})
