import { expect, it } from 'vitest'
import { createSlowWrites } from '../../../packages/core/src/files/slow-writes.ts'

function guard() {
  const changes: Array<[boolean, string]> = []
  return { changes, writes: createSlowWrites((isSlow, reason) => void changes.push([isSlow, reason])) }
}

it('one write of more than 20 ms is slow, for a minute', () => {
  const { changes, writes } = guard()
  writes.record(20, 0)
  expect(writes.isSlow(0)).toBe(false)
  writes.record(21, 1)
  writes.record(30, 2)
  expect(writes.isSlow(60_001)).toBe(true)
  expect(changes).toEqual([[true, 'a write took 21 ms']])
  expect(writes.isSlow(60_002)).toBe(false)
  expect(changes.at(-1)).toEqual([false, expect.any(String)])
})

it('more than one write in a hundred above 1 ms is slow, but only of 200 within 10 s', () => {
  const { changes, writes } = guard()
  for (let at = 0; at < 199; at += 1) writes.record(at < 3 ? 2 : 0.1, at)
  expect(writes.isSlow(199)).toBe(false)
  writes.record(0.1, 199)
  expect(writes.isSlow(199)).toBe(true)
  expect(changes).toEqual([[true, '3 of 200 writes took longer than 1 ms']])
})

it('slow writes of an earlier window do not count', () => {
  const { writes } = guard()
  for (let at = 0; at < 150; at += 1) writes.record(2, at)
  for (let at = 0; at < 300; at += 1) writes.record(at === 0 ? 2 : 0.1, 10_000 + at)
  expect(writes.isSlow(10_300)).toBe(false)
})
