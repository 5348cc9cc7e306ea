import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { createTriedLines } from '../../../packages/core/src/delivery/tried-lines.ts'

const [old, late] = [
  { id: 'old', day: '2026-11-22' },
  { id: 'late', day: '2026-11-23' },
]

it('keeps the time of the first try of a line until it is over', async () => {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  const tried = createTriedLines(clock)
  expect([tried.longestWaitMs(), tried.oldestDay(), tried.delivered()]).toEqual([0, undefined, 0])
  tried.hold(late)
  await clock.advance(1_000)
  tried.settled(
    [
      { id: 'late', state: 'unconfirmed', waitMs: 900_000 },
      { id: 'old', state: 'pending', waitMs: 0 },
    ],
    [late, old, { id: 'still claimed', day: '2026-11-21' }],
  )
  await clock.advance(500)
  expect([tried.longestWaitMs(), tried.oldestDay()]).toEqual([1_500, '2026-11-22'])
  tried.settled([{ id: 'late', state: 'delivered' }], [late])
  expect([tried.longestWaitMs(), tried.oldestDay(), tried.delivered()]).toEqual([500, '2026-11-22', 1])
  tried.settled([{ id: 'old', state: 'rejected', reason: 'no' }], [old])
  expect([tried.longestWaitMs(), tried.oldestDay(), tried.delivered()]).toEqual([0, undefined, 1])
})

it('forgets a line that was withdrawn', () => {
  const tried = createTriedLines(fakeClock('2026-11-24T00:15:00Z'))
  tried.hold(old)
  tried.hold(late)
  tried.forget(old.id)
  expect(tried.oldestDay()).toBe('2026-11-23')
})

it('forgets what waits when another process sends', () => {
  const tried = createTriedLines(fakeClock('2026-11-24T00:15:00Z'))
  tried.hold(old)
  tried.clear()
  expect(tried.oldestDay()).toBeUndefined()
})
