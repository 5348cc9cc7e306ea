import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type UsageError } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { diskWith, errno, writeShare } from '../support/failing-disk.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-full-'))
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true })
})

const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }

test('counts wait in memory while the disk is full for 60 s, then survive a kill', async () => {
  let isFull = false
  const disk = diskWith((name, args) => {
    if (!isFull || name !== 'writeSync') return
    writeShare(args)
    throw errno('ENOSPC')
  })
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const meter = createMeter({
    store: fileStoreOn(disk, { dir }),
    clock,
    dryRun: true,
    onError: (error) => void errors.push(error),
  })
  await meter.flush()
  const callFor = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      meter.record({ ...call, identity: { userId: 'ann' } })
      meter.record({ ...call, identity: { userId: `user ${second}` } })
      await clock.advance(1_000)
    }
  }
  await callFor(10)
  expect(meter.stats().calls).toMatchObject({ inMemory: 0, stored: 20 })
  isFull = true
  await callFor(60)
  expect(meter.stats().calls).toMatchObject({ counted: 140, inMemory: 120, stored: 20 })
  expect(errors.length).toBeGreaterThan(0)
  expect(errors.every(({ code }) => code === 'PXU_ERR_STORE_UNAVAILABLE')).toBe(true)
  isFull = false
  await callFor(1)
  await clock.advance(1_000)
  expect(meter.stats().calls).toMatchObject({ counted: 142, inMemory: 0, stored: 142 })
  // As a process that starts now finds them, this one having been killed.
  const next = createMeter({ store: fileStore({ dir }), clock, dryRun: true })
  const events = await next.preview()
  const totals = events.filter(({ eventName }) => eventName === 'dailyApiCalls')
  expect(totals.reduce((sum, { attributes }) => sum + Number(attributes.apiCalls), 0)).toBe(142)
  expect(totals.find(({ identifyId }) => identifyId === 'ann')?.attributes.apiCalls).toBe(71)
  await next.close()
  await meter.close()
})

test.each(['EACCES', 'EROFS', 'ENOTDIR'])(
  'an app goes on after %s at start, keeps its counts in memory, and is warned everywhere',
  async (code) => {
    const disk = diskWith((name) => {
      if (name === 'mkdirSync') throw errno(code)
    })
    const errors: UsageError[] = []
    const meter = createMeter({
      store: fileStoreOn(disk, { dir }),
      clock: fakeClock('2026-11-23T10:00:00Z'),
      dryRun: true,
      onError: (error) => void errors.push(error),
    })
    for (let times = 0; times < 3; times++) meter.record({ ...call, identity: { userId: 'ann' } })
    await expect(meter.flush()).rejects.toMatchObject({ code: 'PXU_ERR_STORE_UNAVAILABLE' })
    expect(meter.stats().calls).toMatchObject({ counted: 3, inMemory: 3, stored: 0 })
    expect(errors[0]).toMatchObject({ message: expect.stringContaining(code) })
    expect(process.emitWarning).toHaveBeenCalledWith(expect.stringContaining(code), expect.anything())
    expect(await meter.close()).toEqual({
      sent: { lines: 0 },
      kept: { calls: 0, lines: 0 },
      lost: { calls: 3, lines: 0 },
    })
  },
)

test('counts are stored and sent once a folder that failed at start can be used', async () => {
  let isRefused = true
  const disk = diskWith((name) => {
    if (isRefused && name === 'mkdirSync') throw errno('EROFS')
  })
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const px = inMemoryDelivery()
  const meter = createMeter({
    store: fileStoreOn(disk, { dir }),
    clock,
    delivery: px.delivery,
    startJitterMs: 0,
  })
  meter.record({ ...call, identity: { userId: 'ann' } })
  await clock.advance(600_000)
  meter.record({ ...call, identity: { userId: 'ann' } })
  expect(meter.stats().calls).toMatchObject({ inMemory: 2, stored: 0 })
  isRefused = false
  await clock.advance(60_000)
  await meter.flush()
  expect(meter.stats().calls).toMatchObject({ inMemory: 0, stored: 2 })
  await clock.advance(24 * 3_600_000)
  await meter.flush()
  expect(px.events.filter(({ eventName }) => eventName === 'dailyApiCalls')).toMatchObject([
    { attributes: { apiCalls: 2, day: '2026-11-23' } },
  ])
  await meter.close()
})

test('counts are written once a disk that was full at start has space', async () => {
  let isFull = true
  const disk = diskWith((name, args) => {
    const isWrite = name === 'writeSync' || name === 'write' || (name === 'openSync' && args[1] !== 'r')
    if (isFull && isWrite) throw errno('ENOSPC')
  })
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const meter = createMeter({ store: fileStoreOn(disk, { dir }), clock, dryRun: true })
  meter.record({ ...call, identity: { userId: 'ann' } })
  await clock.advance(120_000)
  expect(meter.stats().calls).toMatchObject({ inMemory: 1, stored: 0 })
  isFull = false
  await clock.advance(61_000)
  await meter.flush()
  expect(meter.stats().calls).toMatchObject({ inMemory: 0, stored: 1 })
  expect((await meter.close()).lost).toEqual({ calls: 0, lines: 0 })
})

test('details fold on a disk that stays full, the total is exact, and px-usage warns', async () => {
  let isFull = true
  const disk = diskWith((name, [path]) => {
    if (!isFull) return
    if (name === 'writeSync' || (name === 'openSync' && String(path).includes('journals')))
      throw errno('ENOSPC')
  })
  isFull = false
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const meter = createMeter({
    store: fileStoreOn(disk, { dir }),
    clock,
    dryRun: true,
    limits: { series: 50 },
    onError: (error) => void errors.push(error),
  })
  await meter.flush()
  isFull = true
  for (let times = 0; times < 1_000; times++) {
    meter.record({ ...call, identity: { userId: `user ${times % 5}` }, route: `/r/${times}` })
    if (times % 100 === 0) await clock.advance(60_000)
  }
  expect(meter.stats().calls).toMatchObject({ counted: 1_000, inMemory: 1_000, stored: 0 })
  expect(meter.stats().calls.folded.endpoints).toBeGreaterThan(900)
  expect(errors.map(({ code }) => code)).toContain('PXU_ERR_STORE_UNAVAILABLE')
  expect(errors.some(({ message }) => message.includes('ENOSPC'))).toBe(true)
  isFull = false
  await clock.advance(60_000)
  await meter.flush()
  expect(meter.stats().calls).toMatchObject({ counted: 1_000, inMemory: 0, stored: 1_000 })
  const totals = (await meter.preview()).filter(({ eventName }) => eventName === 'dailyApiCalls')
  expect(totals.map(({ attributes }) => attributes.apiCalls)).toEqual([200, 200, 200, 200, 200])
  await meter.close()
})
