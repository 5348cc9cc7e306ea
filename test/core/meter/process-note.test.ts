import { type MeterStats, memoryStore, type Store } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, test } from 'vitest'
import { createProcessNote, readProcesses } from '../../../packages/core/src/meter/process-note.ts'

const settings = { rollups: [], graceMs: 1, maxRequestsPerDay: 2 }

function noteIn(store: Store) {
  const network = fakeClock(0)
  let counted = 0
  const stats = () => ({ calls: { counted }, delivery: {} }) as unknown as MeterStats
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const note = createProcessNote({ store, clock, settings, stats, network })
  return {
    ...note,
    network,
    clock,
    count(calls: number) {
      counted = calls
    },
  }
}

const durable = (): Store => ({ ...memoryStore(), durable: true })

test('each process writes about itself once a minute of real time, and at its end', async () => {
  const store = durable()
  const [one, two] = [noteIn(store), noteIn(store)]
  await one.writeIfDue()
  await two.writeIfDue()
  one.count(5)
  await one.clock.advance(86_400_000)
  await one.writeIfDue()
  const countedIn = async () => (await readProcesses(store)).map(({ calls }) => calls.counted)
  expect(await countedIn()).toEqual([0, 0])
  await one.network.advance(60_000)
  await one.writeIfDue()
  expect(await readProcesses(store)).toMatchObject([
    { calls: { counted: 5 }, pid: process.pid, hasEnded: false, settings },
    { calls: { counted: 0 } },
  ])
  await two.end()
  expect((await readProcesses(store)).map(({ hasEnded }) => hasEnded)).toEqual([true, false])
})

test('processes that start at the same moment are all there after a few seconds', async () => {
  const shared = durable()
  const waiting: (() => void)[] = []
  // Each of them reads the note before any of them has written it.
  const store: Store = {
    ...shared,
    readNote: async (name) => {
      const text = await shared.readNote(name)
      if (waiting.length < 2) await new Promise<void>((resolve) => void waiting.push(resolve))
      for (const goOn of waiting) goOn()
      return text
    },
  }
  const starting = [noteIn(store), noteIn(store), noteIn(store)]
  await Promise.all(starting.map((one) => one.writeIfDue()))
  expect(await readProcesses(store)).toHaveLength(1)
  for (let second = 0; second < 6; second++) {
    for (const { network } of starting) {
      await network.advance(1_000)
      await new Promise(setImmediate)
    }
  }
  expect(await readProcesses(store)).toHaveLength(3)
})

test('the note has a limit, and a store that is not durable has none', async () => {
  const store = durable()
  for (let process = 0; process < 205; process++) await noteIn(store).writeIfDue()
  expect(await readProcesses(store)).toHaveLength(200)
  const memory = memoryStore()
  await noteIn(memory).writeIfDue()
  await noteIn(memory).end()
  expect(await readProcesses(memory)).toEqual([])
})

test('a store that fails, and a damaged note, disturb nothing', async () => {
  const broken: Store = { ...durable(), writeNote: () => Promise.reject(new Error('full')) }
  await noteIn(broken).writeIfDue()
  const store = durable()
  await store.writeNote('processes', 'damaged')
  expect(await readProcesses(store)).toEqual([])
})
