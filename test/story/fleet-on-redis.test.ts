import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, describe, expect, it } from 'vitest'
import { send } from '../support/http-client.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'
import type { StoryHost, StoryStep } from '../support/story-host-child.ts'

const timeZones = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland']
const start = '2026-03-07T18:10:00Z'
const hourMs = 3_600_000
const paths = { express: ['/v1/orders', '/v1/orders/7', '/nothing'], koa: ['/v2/invoices', '/v2/invoices/7'] }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Starts a process with a working folder of its own, as on another machine. */
async function startHost(host: StoryHost): Promise<{ child: ChildProcess; ports: number[] }> {
  const cwd = mkdtempSync(join(tmpdir(), 'px-usage-host-'))
  const script = join(import.meta.dirname, '../support/story-host-child.ts')
  const execArgv = ['--conditions=@px-usage/source', '--import', import.meta.resolve('tsx')]
  const child = fork(script, [JSON.stringify(host)], { cwd, execArgv })
  closing.unshift(() => {
    child.kill('SIGKILL')
    rmSync(cwd, { recursive: true })
  })
  const [ports] = await once(child, 'message')
  return { child, ports }
}

async function step({ child }: { child: ChildProcess }, step: StoryStep): Promise<number[]> {
  const done = once(child, 'message')
  child.send(step)
  return (await done)[0]
}

/** The chart of a day that PX draws for its users. */
function chart(px: Emulator, timeZone: string, wanted: 'Sum' | 'Average') {
  const { periods, series } = px.report({
    ...{ eventName: 'dailyApiCalls', property: 'apiCalls', function: wanted, scope: 'Daily', timeZone },
    ...{ from: '2026-03-06', to: '2026-03-11' },
  })
  const values = periods.map((day, at) => [day, series[0]?.values[at] ?? 0] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== 0))
}

describe.skipIf(!hasRedis())('two apps on two hosts with one Redis', () => {
  it('have one event per user and day, and Sum and Average are true in four zones', async () => {
    const redis = await startRedis()
    const subscriptions = await Promise.all(
      timeZones.map(async (timeZone) => {
        const productKey = `AP-${timeZone.replace(/\W/g, '').toUpperCase()}-2`
        const px = await startEmulator({ port: 0, productKey })
        closing.push(() => px.close())
        return { px, timeZone, apiKey: px.apiKey, productKey, baseUrl: px.url }
      }),
    )
    const shared = { redisPort: redis.port, start, subscriptions: subscriptions.map(({ px, ...one }) => one) }
    const hosts = await Promise.all([
      startHost({ app: 'express', ...shared }),
      startHost({ app: 'koa', ...shared }),
    ])
    const both = (one: StoryStep) => Promise.all(hosts.map((host) => step(host, one)))

    /** Calls by zone, day and user. */
    const truth = timeZones.map(() => new Map<string, Map<string, number>>())
    const sent = hosts.map(() => timeZones.map(() => 0))
    let nowMs = Date.parse(start)
    let random = 12_345
    const next = (below: number) => {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor(random / 77) % below
    }

    async function call(hostAt: number, zoneAt: number): Promise<void> {
      const userId = `user-${next(12)}`
      const app = hostAt === 0 ? paths.express : paths.koa
      const url = `http://127.0.0.1:${hosts[hostAt]?.ports[zoneAt]}${app[next(app.length)]}`
      const day = new Intl.DateTimeFormat('en-CA', { timeZone: timeZones[zoneAt] }).format(nowMs)
      const ofDay = truth[zoneAt]?.get(day) ?? new Map<string, number>()
      truth[zoneAt]?.set(day, ofDay.set(userId, (ofDay.get(userId) ?? 0) + 1))
      const ofHost = sent[hostAt] as number[]
      ofHost[zoneAt] = (ofHost[zoneAt] as number) + 1
      await send(url, { method: 'GET', headers: { 'x-user': userId, 'x-account': 'acme' } })
    }

    async function advance(advanceMs: number): Promise<void> {
      await expect.poll(() => both({ advanceMs: 0 })).toEqual(sent)
      await both({ advanceMs })
      nowMs += advanceMs
    }

    // Each day ends at four different times. 8 March has 23 hours in New York.
    for (let round = 0; round < 6; round++) {
      const calls = hosts.flatMap((_, host) =>
        timeZones.flatMap((_, zone) => [host, host].map(() => [host, zone])),
      )
      for (let times = 0; times < 8; times++) {
        await Promise.all(calls.map(([host, zone]) => call(host as number, zone as number)))
      }
      await advance(6 * hourMs)
    }
    await advance(24 * hourMs)
    const lines = (px: Emulator) => px.events().filter(({ eventName }) => eventName === 'dailyApiCalls')
    const entities = truth.map((days) => [...days.values()].reduce((sum, users) => sum + users.size, 0))
    await expect
      .poll(() => both({ advanceMs: 60_000 }).then(() => subscriptions.map(({ px }) => lines(px).length)), {
        timeout: 40_000,
      })
      .toEqual(entities)
    for (let minute = 0; minute < 10; minute++) await both({ advanceMs: 60_000 })

    for (const [at, { px, timeZone }] of subscriptions.entries()) {
      const days = [...(truth[at] as (typeof truth)[number])]
      const sums = days.map(([day, users]) => [day, [...users.values()].reduce((sum, n) => sum + n)] as const)
      expect(lines(px).length, timeZone).toBe(entities[at])
      expect(chart(px, timeZone, 'Sum'), timeZone).toEqual(Object.fromEntries(sums))
      expect(chart(px, timeZone, 'Average'), timeZone).toEqual(
        Object.fromEntries(sums.map(([day, sum], at) => [day, sum / (days[at]?.[1].size as number)])),
      )
    }
    expect(await both({})).toEqual(hosts.map(() => timeZones.map(() => 0)))
    console.log(
      `${sent.flat().reduce((a, b) => a + b)} requests, ${entities.join(' + ')} events in four zones`,
    )
  })
})
