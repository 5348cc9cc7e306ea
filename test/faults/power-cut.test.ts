import fs from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { batches, callsInLines, callsOf, day, oneLinePerUserOnce } from '../support/count-batch.ts'
import { diskThatLosesPower, type LosingDisk } from '../support/losing-disk.ts'
import { diskOf } from '../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)
let power: LosingDisk
beforeEach(({ skip }) => {
  if (process.platform !== 'linux') skip('a file is found by its descriptor on Linux only')
  power = diskThatLosesPower(folder.dir)
})
afterEach(() => power?.release())

const stepMs = 100

test('a power cut at any moment loses at most the last second of counts', async () => {
  const store = await folder.open({}, power.disk)
  const batch = batches()
  /** Calls counted by the end of each step. */
  const counted: number[] = [0]
  for (let step = 1; step <= 45; step++) {
    const user = step % 3 === 0 ? `user ${step}` : 'ada'
    await store.add(batch({ [user]: 1 }))
    await folder.clock.advance(stepMs)
    await power.idle()
    counted.push(step)
    for (const zeros of [false, true]) {
      const next = await folder.open({ dir: power.cut({ zeros }) })
      const calls = Object.values(await callsOf(next)).reduce((sum, more) => sum + more, 0)
      const atLeast = counted[Math.max(0, step - 1_000 / stepMs)] as number
      expect(calls, `power lost at step ${step}`).toBeGreaterThanOrEqual(atLeast)
      expect(calls).toBeLessThanOrEqual(step)
      await next.close()
    }
  }
  expect(folder.errors).toEqual([])
  expect(folder.told).toEqual([])
})

test('a power cut after the close of a day keeps its lines and counts no journal again', async () => {
  const store = await folder.open({}, power.disk)
  const batch = batches()
  for (let call = 0; call < 5; call++) await store.add(batch({ ada: 1, [`user ${call}`]: 1 }))
  await store.seal(day)
  await store.closeDay(day, oneLinePerUserOnce())
  expect(fs.readdirSync(`${folder.dir}/journals`)).toEqual([])
  for (const zeros of [false, true]) {
    const dir = power.cut({ zeros })
    expect(fs.readdirSync(`${dir}/journals/${day}`), 'the removal was not synced').toHaveLength(1)
    const next = await folder.open({ dir })
    const calls = await callsInLines(next)
    expect(Object.keys(calls)).toHaveLength(6)
    expect(calls.ada).toBe(5)
    expect(next.outboxCounts()).toMatchObject({ closed: 6 })
    await next.close()
  }
})

test('a power cut after an attempt keeps the record that the line may have been sent', async () => {
  const store = await folder.open({}, power.disk)
  await store.add(batches()({ ada: 1 }))
  await store.closeDay(day, oneLinePerUserOnce())
  const [claimed] = (await store.claim(1)).lines
  await store.markAttempts([claimed?.id ?? ''], 1)
  const next = await folder.open({ dir: power.cut({ zeros: false }) })
  expect((await next.claim(9)).lines).toMatchObject([{ id: claimed?.id, state: 'unconfirmed', attempts: 1 }])
})

test('the simulated disk loses everything that was not synced, file names included', async () => {
  const path = `${folder.dir}/f`
  const file = power.disk.openSync(path, 'w')
  power.disk.writeSync(file, Buffer.from('abc'), 0, 3, 0)
  expect(fs.readdirSync(power.cut({ zeros: false }))).toEqual([])
  await new Promise((resolve) => power.disk.fdatasync(file, resolve))
  await new Promise((resolve) => power.disk.fsync(power.disk.openSync(folder.dir, 'r'), resolve))
  power.disk.writeSync(file, Buffer.from('def'), 0, 3, 3)
  expect(fs.readFileSync(`${power.cut({ zeros: false })}/f`, 'latin1')).toBe('abc')
  expect(fs.readFileSync(`${power.cut({ zeros: true })}/f`, 'latin1')).toBe('abc\0\0\0')
})
