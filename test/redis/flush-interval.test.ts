import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { FlushInterval } from '../../packages/redis/src/flush-interval.ts'

const clock = fakeClock('2026-11-23T10:00:00Z')

function interval(members: number, ...increments: number[]): number {
  const chosen = new FlushInterval(clock)
  chosen.setMembers(members)
  for (const some of increments) chosen.add(some)
  return chosen.ms
}

it('a process sends each second while its fleet sends little', () => {
  expect(new FlushInterval(clock).ms).toBe(1_000)
  expect(interval(300, 200)).toBe(1_000)
  expect(interval(3, 20_000)).toBe(1_000)
})

it('the interval grows with the processes and the series of a flush, to 30 seconds at most', () => {
  expect(interval(300, 1_000, 1_000)).toBe(9_000)
  expect(interval(300, 4_000)).toBe(18_000)
  expect(interval(1_000, 50_000)).toBe(30_000)
})

it('the interval shrinks again after a flush of few series', async () => {
  const chosen = new FlushInterval(clock)
  chosen.setMembers(300)
  chosen.add(2_000)
  await clock.advance(chosen.ms)
  chosen.add(10)
  expect(chosen.ms).toBe(1_000)
})
