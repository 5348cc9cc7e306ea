import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Disk } from '../../packages/core/src/files/disk.ts'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { errno } from '../support/failing-disk.ts'
import { quickDisk } from '../support/quick-disk.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

/** A disk of which one call fails, the nth, and no other; and where that call came from. */
function diskThatFailsOnce(nth: number, code: string) {
  const state = { disk: { ...quickDisk } as Disk, calls: 0, site: '' }
  const disk = state.disk as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const [call, real] of Object.entries(quickDisk) as Array<[string, (...args: unknown[]) => unknown]>) {
    if (typeof real !== 'function' || !/Sync$|^(fdatasync|fsync|read|write|unlink)$/.test(call)) continue
    disk[call] = (...args) => {
      state.calls += 1
      if (state.calls !== nth) return real.apply(quickDisk, args)
      const frames = new Error(call).stack?.split('\n').filter((line) => line.includes('/core/src/')) ?? []
      state.site = [call, ...frames.slice(0, 6).map((line) => line.replace(/.*\/src\//, ''))].join(' < ')
      // The descriptor of a file is free also after a close that failed.
      if (call === 'closeSync') real.apply(quickDisk, args)
      const done = args.at(-1)
      if (call.endsWith('Sync') || typeof done !== 'function') throw errno(code)
      done(errno(code))
      return undefined
    }
  }
  return state
}

/** The end of a day and the beginning of the next: calls are counted, the day is closed and sent. @returns what PX got */
async function oneDay(disk: Disk): Promise<{ users: string[]; lost: number; kept: number }> {
  const clock = fakeClock('2026-03-08T23:58:00Z')
  const px = inMemoryDelivery()
  const meter = createMeter({
    ...{ clock, delivery: px.delivery, store: fileStoreOn(disk, { dir }), timeZone: 'UTC' },
    ...{ productKey: 'AP-TEST-2', startJitterMs: 0, onError() {} },
  })
  const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }
  const count = async (userId: string) => {
    meter.record({ ...call, identity: { userId } })
    await clock.advance(1_500)
  }
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      await clock.advance(60_000)
      await meter.flush().catch(() => {})
    }
  }
  await count('ann')
  await count('ann')
  await pass(16)
  await count('bob')
  await pass(10)
  const { lost, kept } = await meter.close()
  const users = px.events
    .filter(({ eventName }) => eventName === 'dailyApiCalls')
    .map(({ identifyId, attributes }) => `${identifyId} ${attributes.apiCalls}`)
  return { users: users.sort(), lost: lost.calls, kept: kept.calls }
}

const codes = ['EIO', 'EMFILE', 'ENOSPC', 'EACCES', 'ESTALE']

test.each(codes)(
  'one %s at any call of the disk costs nothing, and nothing waits for a restart',
  async (code) => {
    const wrong: string[] = []
    // Each code fails every fifth call, another one each: together they fail every call of the disk.
    for (let nth = codes.indexOf(code) + 1; ; nth += codes.length) {
      fs.rmSync(dir, { recursive: true, force: true })
      const failing = diskThatFailsOnce(nth, code)
      const found = await oneDay(failing.disk)
      if (failing.site === '') break
      const isRight = JSON.stringify(found) === JSON.stringify({ users: ['ann 2'], lost: 0, kept: 1 })
      if (!isRight) wrong.push(`${nth} ${failing.site}: ${JSON.stringify(found)}`)
    }
    expect(wrong).toEqual([])
  },
)
