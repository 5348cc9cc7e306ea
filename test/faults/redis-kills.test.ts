import { setTimeout as sleep } from 'node:timers/promises'
import { startEmulator } from 'px-emulator'
import { afterEach, describe, expect, it } from 'vitest'
import { fastClock } from '../support/fast-clock.ts'
import { type FleetProcess, type FleetProcessSettings, fleetOfProcesses } from '../support/fleet-process.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

/** `SOAK=long` for the full version. */
const isSoak = process.env.SOAK === 'long'
const [instances, days, killsPerDay, users] = isSoak ? [8, 6, 14, 1_250] : [3, 1, 3, 100]
/** A minute of the processes takes a second, so that a lease, a claim and the wait for a dead process take 1 to 5 seconds. */
const speed = 60
const firstEvening = Date.parse('2026-11-23T00:00:00Z') - (isSoak ? 12 : 3) * 60_000

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startPx(now: () => number) {
  const px = await startEmulator({ port: 0, now, keepRequests: 10 })
  px.setSwitches({ requestsPerSecond: null, requestsPerDay: null, visibilityLagMs: 10_000 })
  const url = '/v1/events/*'
  px.addFault({ method: 'POST', url, probability: 0.01, fault: { reset: true, store: true } })
  px.addFault({ method: 'POST', url, probability: 0.005, fault: { status: 503, store: true } })
  px.addFault({ method: 'POST', url, probability: 0.005, fault: { reset: true } })
  px.addKey('reader', { read: true, write: false })
  cleanUps.push(() => px.close())
  return px
}

describe.skipIf(!hasRedis())('a fleet whose processes are killed', { timeout: 900_000 }, () => {
  it('loses no stored call and sends no event twice, while replies of Redis are lost', async () => {
    const redis = await startRedis()
    const proxy = await startTcpProxy(redis.port)
    cleanUps.push(() => proxy.close())
    proxy.cut = (name, n) => name === 'EVALSHA' && n % 20 === 0
    const fleet = fleetOfProcesses()
    cleanUps.push(() => fleet.killAll())
    let clock = fastClock(firstEvening, performance.timeOrigin + performance.now(), speed)
    const px = await startPx(() => clock.now())
    let kills = 0

    /** Every other process may not write to PX, so it must leave the sending to another one. */
    function settingsOf(at: number, startMs: number, realStartMs: number): FleetProcessSettings {
      const apiKey = at % 2 === 0 ? px.apiKey : 'reader'
      const { url: pxUrl, productKey } = px
      return {
        ...{ redisPort: proxy.port, pxUrl, apiKey, productKey, users },
        clock: { startMs, realStartMs, speed },
      }
    }

    function compare() {
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
      const truth = fleet.truth()
      const closed = new Date(clock.now()).toISOString().slice(0, 10)
      const isOver = (key: string) => key.slice(0, 10) < closed
      const missing = [...truth].filter(([key, { least }]) => isOver(key) && (calls.get(key) ?? 0) < least)
      const excess = [...calls].filter(([key, sum]) => sum > (truth.get(key)?.most ?? 0))
      const doubled = [...events].filter(([, times]) => times > 1)
      const sum = [...calls.values()].reduce((all, one) => all + one, 0)
      return { events: events.size, calls: sum, revisions, missing, excess, doubled }
    }

    for (let day = 0; day < days; day++) {
      const startMs = firstEvening + day * 86_400_000
      const running = Array.from({ length: instances }, () => fleet.start())
      await Promise.all(running.map((one) => one.ready))
      const realStartMs = performance.timeOrigin + performance.now()
      clock = fastClock(startMs, realStartMs, speed)
      for (const [at, one] of running.entries()) one.begin(settingsOf(at, startMs, realStartMs))
      await Promise.all(running.map((one) => one.works))
      for (let kill = 0; kill < killsPerDay; kill++) {
        const next = fleet.start()
        await Promise.all([next.ready, sleep(isSoak ? 1_000 : 200)])
        const leader = running.findIndex((one) => one.leads())
        const at = kill % 2 === 0 && leader >= 0 ? leader : kill % instances
        const killed = running[at] as FleetProcess
        await killed.works
        await killed.end('SIGKILL')
        kills += 1
        next.begin(settingsOf(at, startMs, realStartMs))
        running[at] = next
      }
      const evening = new Date(startMs).toISOString().slice(0, 10)
      const hasArrived = () =>
        px.events().some(({ attributes }) => attributes.day === evening) && compare().missing.length === 0
      await expect
        .poll(hasArrived, { timeout: isSoak ? 120_000 : 60_000, interval: 500 })
        .toBe(true)
        .catch((error: unknown) => {
          console.log(px.events().length, compare().missing.length, fleet.errors.slice(-20).join('\n'))
          throw error
        })
      await Promise.all(running.map((one) => one.works))
      await Promise.all(running.map((one, at) => one.end(at % 2 === 0 ? 'SIGTERM' : 'SIGKILL')))
    }
    const { missing, excess, doubled, ...figures } = compare()
    console.log(`${instances} processes, ${days} days: ${kills} kills, ${proxy.cuts} lost replies`, figures, {
      missing: missing.length,
      excess: excess.length,
      doubled: doubled.length,
    })
    expect(missing).toEqual([])
    expect(excess).toEqual([])
    expect(doubled).toEqual([])
  })
})
