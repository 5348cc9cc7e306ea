import { expect, it } from 'vitest'
import { createTurnCalls } from '../../../packages/core/src/counting/turn-calls.ts'
import type { CountedCall } from '../../../packages/core/src/model/counted-call.ts'

const call: CountedCall = {
  day: '2026-03-10',
  endpoint: { method: 'GET', route: '/' },
  properties: {},
  statusCode: 200,
  aborted: false,
}

it('counts the calls that wait once, in their order', () => {
  const counted: Array<[string, number]> = []
  const calls = createTurnCalls(({ userId }, _call, times) => void counted.push([userId, times]))
  calls.add({ userId: 'ann' }, call, 1)
  calls.add({ userId: 'bob' }, call, 3)
  expect(counted).toEqual([])
  calls.count()
  calls.count()
  expect(counted).toEqual([
    ['ann', 1],
    ['bob', 3],
  ])
})

it('counts before the end of the turn when 1,024 calls wait, so that memory stays bounded', () => {
  let counted = 0
  const calls = createTurnCalls(() => void counted++)
  for (let at = 0; at < 10_000; at++) calls.add({ userId: `u${at}` }, call, 1)
  expect(10_000 - counted).toBeLessThanOrEqual(1_024)
  calls.count()
  expect(counted).toBe(10_000)
})
