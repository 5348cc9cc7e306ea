import type { OutboxLine } from '@px-usage/core'
import { expect, it } from 'vitest'
import { createSeriesEncoder } from '../../../packages/redis/src/counting/series-fields.ts'
import {
  decodeLine,
  encodeFrame,
  isFrame,
  linesOf,
  type Positions,
  withNewProducer,
} from '../../../packages/redis/src/shipping/shipment-lines.ts'
import { day, series } from '../../support/count-batch.ts'

const encoder = createSeriesEncoder(1)
const total = (userId: string, calls: number) => ({ series: series(userId), values: [calls, 0, 0, 0] })

async function* counts(days: Record<string, Record<string, number>>) {
  for (const [day, users] of Object.entries(days)) {
    yield { day, totals: Object.entries(users).map(([user, calls]) => total(user, calls)) }
  }
}

async function all(lines: AsyncIterable<OutboxLine>) {
  const found = []
  for await (const line of lines) found.push(decodeLine(line))
  return found
}

it('number the frames of each shard from where it stopped, and end with the positions', async () => {
  let after: Positions = new Map()
  const positions = new Map([[0, { producer: 'p', sequence: 7 }]])
  const onEnd = (given: Positions) => {
    after = given
  }
  const lines = await all(
    linesOf(encoder, { positions, producer: 'new', onEnd })(
      counts({ [day]: { ada: 1 }, '2026-11-24': { ada: 2, bob: 4 } }),
    ),
  )
  expect(lines.filter(isFrame)).toMatchObject([
    { producer: 'p', sequence: 8, day, calls: 1 },
    { producer: 'p', sequence: 9, day: '2026-11-24', calls: 6 },
  ])
  expect(after).toEqual(new Map([[0, { producer: 'p', sequence: 9 }]]))
  expect(lines.at(-1)).toEqual(after)
  expect(positions.get(0)).toEqual({ producer: 'p', sequence: 7 })
})

it('begin with a new producer in a shard that had no frame', async () => {
  const lines = await all(
    linesOf(encoder, { positions: new Map(), producer: 'new', onEnd() {} })(counts({ [day]: { ada: 1 } })),
  )
  expect(lines[0]).toMatchObject({ producer: 'new', sequence: 1, shard: 0 })
})

it('do not exist for a journal without counts', async () => {
  const lines = linesOf(encoder, { positions: new Map(), producer: 'new', onEnd() {} })(counts({}))
  expect(await all(lines)).toEqual([])
})

it('get a new producer from what Redis lost on, and keep all others', async () => {
  const frame = (producer: string, sequence: number, shard = 0) =>
    encodeFrame({ producer, sequence, shard, day, args: [], calls: 1 })
  const lines = (async function* () {
    yield frame('p', 3)
    yield frame('p', 4)
    yield frame('p', 4, 1)
    yield frame('p', 5)
  })()
  const ended: unknown[] = []
  const positions = new Map([
    [0, { producer: 'p', sequence: 5 }],
    [1, { producer: 'p', sequence: 4 }],
  ])
  const gap = { producer: 'p', shard: 0, sequence: 3 }
  const onEnd = (...given: unknown[]) => void ended.push(...given)
  const found = await all(withNewProducer(gap, { producer: 'q', positions, onEnd })(lines))
  expect(found.filter(isFrame).map(({ producer, shard, sequence }) => [producer, shard, sequence])).toEqual([
    ['q', 0, 1],
    ['p', 1, 4],
    ['q', 0, 2],
  ])
  const after = new Map([
    [0, { producer: 'q', sequence: 2 }],
    [1, { producer: 'p', sequence: 4 }],
  ])
  expect(ended).toEqual([after, 4])
  expect(found.at(-1)).toEqual(after)
})
