import { expect, it } from 'vitest'
import { framesOf } from '../../../packages/redis/src/counting/frames.ts'
import { createSeriesEncoder } from '../../../packages/redis/src/counting/series-fields.ts'
import { batches, day } from '../../support/count-batch.ts'

const users = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`user ${at}`, at + 1]))

it('splits a batch into frames of at most 250 increments', () => {
  const frames = framesOf(batches()(users(600)), createSeriesEncoder(1))
  expect(frames.map(({ increments }) => increments)).toEqual([250, 250, 100])
  expect(frames.reduce((sum, { calls }) => sum + calls, 0)).toBe((600 * 601) / 2)
  expect(frames.every((frame) => frame.day === day && frame.args[0] === day)).toBe(true)
})

it('has the instruments of its increments in each frame, so that Redis needs no earlier one', () => {
  const frames = framesOf(batches()(users(300)), createSeriesEncoder(1))
  expect(frames.map(({ args }) => args[1])).toEqual(['1', '1'])
})

it('has the increments of one shard in a frame', () => {
  const encoder = createSeriesEncoder(4)
  const frames = framesOf(batches()(users(100)), encoder)
  expect(new Set(frames.map(({ shard }) => shard)).size).toBe(4)
  expect(frames.reduce((sum, { increments }) => sum + increments, 0)).toBe(100)
})
