import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { redisStore, type SendCommand } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { batches, callsOf, day, line, oneLinePerUser } from '../support/count-batch.ts'
import { openFleetStore, redisOfTests } from '../support/redis-fleet.ts'
import { hasRedis } from '../support/redis-server.ts'

describe.skipIf(!hasRedis())('what earlier processes left in another namespace', () => {
  const redis = redisOfTests()
  const namespace = { productKey: 'AP-1', baseUrl: 'https://api.aptrinsic.com', dryRun: false }
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const open = async (timeZone: string, productKey = 'AP-1') =>
    (await openFleetStore(redis, { clock, timeZone, namespace: { ...namespace, productKey } })).store

  it('is closed and sent by a process of the same product, once no process counts there', async () => {
    const before = await open('America/New_York')
    await before.add(batches()({ ada: 2 }))
    const now = await open('UTC')
    expect(await now.leftovers?.()).toEqual([])
    await before.close()
    const [leftover] = (await now.leftovers?.()) ?? []
    expect(leftover).toMatchObject({ timeZone: 'America/New_York' })
    const store = leftover?.store
    await store?.open({ clock, diagnostics: createDiagnostics(), timeZone: 'America/New_York' })
    if (store === undefined) throw new Error('There are no leftovers.')
    expect(await callsOf(store)).toEqual({ ada: 2 })
    expect(await store.closeDay(day, oneLinePerUser())).toMatchObject({ outcome: 'closed', calls: 2 })
    // Lines wait there still, and this process does not count as one that counts.
    expect(await now.leftovers?.()).toHaveLength(1)
    const { lines } = await store.claim(9)
    await store.settle(lines.map(({ id }) => ({ id, state: 'delivered' })))
    expect(await now.leftovers?.()).toEqual([])
    await Promise.all([store.close(), now.close()])
  })

  it('is found in the folder of this host, also if Redis was down all the time', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'px-usage-leftovers-'))
    const make = (sendCommand: SendCommand) => redisStore({ sendCommand, keyPrefix: redis.prefix, dir })
    const context = { clock, diagnostics: createDiagnostics(() => {}), namespace }
    const before = make(async () => {
      throw new Error('Redis is down')
    })
    await expect(before.open({ ...context, timeZone: 'America/New_York' })).rejects.toThrow('Redis is down')
    await before.add(batches()({ ada: 2 }))
    await before.close()
    const now = make(redis.sendCommand)
    await now.open({ ...context, timeZone: 'UTC' })
    const [leftover] = (await now.leftovers?.()) ?? []
    if (leftover === undefined) throw new Error('There are no leftovers.')
    const { store, timeZone } = leftover
    expect(timeZone).toBe('America/New_York')
    await store.open({ ...context, namespace: undefined, timeZone })
    expect(await callsOf(store)).toEqual({ ada: 2 })
    await Promise.all([store.close(), now.close()])
    rmSync(dir, { recursive: true })
  })

  it('is not touched by another product', async () => {
    const before = await open('America/New_York')
    await before.put([line('a')])
    await before.close()
    const other = await open('UTC', 'AP-2')
    expect(await other.leftovers?.()).toEqual([])
    await other.close()
  })
})
