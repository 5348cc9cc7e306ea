import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { createMeter, fileStore, type Meter, type Store, UsageError } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { collectGarbage } from '../support/collect-garbage.ts'

// Compiled code is part of the heap, and comes and goes by itself.
for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-flush-bytecode'])
  setFlagsFromString(flag)

/** A long run: `SOAK=500 npx vitest run --config test/vitest.config.ts accounting`. */
const runs = Number(process.env.SOAK ?? 12)
/** In the first ones code that runs for the first time still adds to the heap. */
const firstRounds = 20
const heapRounds = firstRounds + Math.min(runs, 200)
const minuteMs = 60_000
const users = ['ann', 'ben', '__proto__', 'a|b', 'd\u0000e']

type Outcome = 'delivered' | 'down' | 'lostAnswer' | 'lostRequest' | 'refusesAll'
type Step =
  | { do: 'call'; user: number; times: number; route: string }
  | { do: 'advance'; minutes: number }
  | { do: 'step'; minutes: number }
  | { do: 'flush' | 'restart' | 'breakStore' | 'mendStore' }
  | { do: 'px'; outcome: Outcome }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      user: fc.nat(users.length - 1),
      times: fc.integer({ min: 1, max: 5 }),
      route: fc.constantFrom('/a', '/b', '/c/:id'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), minutes: fc.integer({ min: 0, max: 700 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      minutes: fc.integer({ min: -1_500, max: 1_500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('flush' as const, 'restart' as const, 'breakStore' as const, 'mendStore' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('px' as const),
      outcome: fc.constantFrom<Outcome>('delivered', 'down', 'lostAnswer', 'lostRequest', 'refusesAll'),
    }),
  },
)

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-accounting-'))
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(dir, { recursive: true })
})

/** The engine, a disk that can break, a PX that can be anything, and what is true. */
class World {
  readonly clock: FakeClock = fakeClock('2026-11-23T08:00:00Z')
  readonly arrived: Array<{ rollupId: string; userId: string; calls: number }> = []
  readonly truth = new Map<string, number>()
  outcome: Outcome = 'delivered'
  storeIsBroken = false
  counted = 0
  meter: Meter

  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    this.meter = this.start()
  }

  start(): Meter {
    const store = fileStore({ dir: this.folder })
    const breaks =
      <T extends unknown[], R>(method: (...args: T) => R) =>
      (...args: T): R => {
        if (this.storeIsBroken) throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', 'The disk is full.')
        return method.apply(store, args)
      }
    const later =
      <T extends unknown[], R>(method: (...args: T) => Promise<R>) =>
      async (...args: T): Promise<R> =>
        breaks(method)(...args)
    const fragile: Store = Object.create(store, {
      add: { value: breaks(store.add) },
      closeDay: { value: later(store.closeDay) },
      markAttempts: { value: later(store.markAttempts) },
      settle: { value: later(store.settle) },
      claim: { value: later(store.claim) },
    })
    this.counted = 0
    return createMeter({
      store: fragile,
      clock: this.clock,
      delivery: async ({ body }) => {
        const { eventName, identifyId, attributes } = JSON.parse(body)
        const arrives = this.outcome === 'delivered' || this.outcome === 'lostAnswer'
        if (arrives && eventName === 'dailyApiCalls') {
          this.arrived.push({ rollupId: attributes.rollupId, userId: identifyId, calls: attributes.apiCalls })
        }
        if (this.outcome === 'down') return { outcome: 'retryable', reason: 'down' }
        if (this.outcome === 'refusesAll') return { outcome: 'stopped', reason: '401' }
        return this.outcome === 'delivered'
          ? { outcome: 'delivered' }
          : { outcome: 'unconfirmed', reason: 'lost' }
      },
    })
  }

  async run(step: Step): Promise<void> {
    if (step.do === 'call') {
      const userId = users[step.user] as string
      for (let i = 0; i < step.times; i++) {
        this.meter.record({
          identity: { userId },
          method: 'GET',
          route: step.route,
          statusCode: 200,
          aborted: false,
        })
      }
      this.truth.set(userId, (this.truth.get(userId) ?? 0) + step.times)
      this.counted += step.times
    } else if (step.do === 'advance') await this.clock.advance(step.minutes * minuteMs)
    else if (step.do === 'step') this.clock.step(step.minutes * minuteMs)
    else if (step.do === 'flush') await this.meter.flush().catch(() => {})
    else if (step.do === 'px') this.outcome = step.outcome
    else if (step.do === 'restart') {
      this.storeIsBroken = false
      await this.meter.flush().catch(() => {})
      const closing = this.meter.close()
      await this.clock.advance(10_000)
      const { lost } = await closing
      expect(lost).toEqual({ calls: 0, lines: 0 })
      this.meter = this.start()
    } else this.storeIsBroken = step.do === 'breakStore'
  }

  check(): void {
    const { calls, lines } = this.meter.stats()
    expect(calls.counted).toBe(this.counted)
    expect(calls.counted).toBe(calls.inMemory + calls.stored)
    expect(lines.closed).toBe(lines.delivered + lines.pending + lines.unconfirmed + lines.rejected)
  }

  isDone(): boolean {
    const arrived = new Map(this.arrived.map(({ rollupId, calls }) => [rollupId, calls]))
    const { pending, unconfirmed } = this.meter.stats().lines
    return pending + unconfirmed === 0 && sum(arrived.values()) === sum(this.truth.values())
  }

  /** Everything works again, for as long as it takes. */
  async settle(): Promise<void> {
    this.storeIsBroken = false
    this.outcome = 'delivered'
    let hours = 0
    // A meter that was started just now has not read its store yet, and so knows of no line that waits.
    do {
      await this.clock.advance(60 * minuteMs)
      await this.meter.flush()
      hours += 1
    } while (hours < 100 && !this.isDone())
    this.check()
  }
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((a, b) => a + b, 0)
}

it('accounts add up at any moment of random calls, outages, restarts and clock steps', async () => {
  let duplicates = 0
  let resent = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const folder = await mkdtemp(join(dir, 'run-'))
      const world = new World(folder)
      for (const step of steps) {
        await world.run(step)
        world.check()
      }
      await world.settle()
      const once = new Map(world.arrived.map((event) => [event.rollupId, event]))
      const sums = new Map<string, number>()
      for (const { userId, calls } of once.values()) sums.set(userId, (sums.get(userId) ?? 0) + calls)
      expect(sums).toEqual(world.truth)
      duplicates += world.arrived.length - once.size
      resent += world.meter.stats().delivery.possibleDuplicates
      const { kept } = await world.meter.close()
      expect(kept).toEqual({ calls: 0, lines: 0 })
    }),
    { numRuns: runs },
  )
  console.log(
    `${runs} runs: ${duplicates} events came twice after lost answers; ${resent} told of since the last restart`,
  )
}, 600_000)

/** Bytes of the live heap. */
async function liveHeap(): Promise<number> {
  // What the turn before held is garbage in the next one only.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

/** The median of the slopes between any two values: a single leap does not move it. */
function slopeOf(values: readonly number[]): number {
  const slopes = values.flatMap((from, start) =>
    values.slice(start + 1).map((to, distance) => (to - from) / (distance + 1)),
  )
  return slopes.sort((a, b) => a - b)[slopes.length >> 1] as number
}

it('the heap stays flat through many such days of one process', async () => {
  const world = new World(dir)
  // A restart would release what is kept for too long and hide the leak.
  const lasting = step.filter(({ do: what }) => what !== 'restart')
  const days = fc.sample(fc.array(lasting, { minLength: 10, maxLength: 10 }), {
    numRuns: heapRounds,
    seed: 71,
  })
  const heap: number[] = []
  for (const steps of days) {
    for (const step of steps) {
      await world.run(step)
      world.check()
    }
    await world.settle()
    expect(world.isDone()).toBe(true)
    // What the test itself remembers is not to be measured.
    world.arrived.length = 0
    world.truth.clear()
    heap.push(await liveHeap())
  }
  const slope = slopeOf(heap.slice(firstRounds))
  console.log(
    `${heapRounds} rounds: live heap ${Math.round((heap.at(-1) as number) / 1024)} KB, ${Math.round(slope)} B more each`,
  )
  // A line is 500 bytes, and a round makes dozens; the journals note some 200 bytes for each day.
  expect(slope).toBeLessThan(3_072)
  await world.meter.close()
}, 600_000)
