import { expect, it } from 'vitest'
import { newCallKind } from '../../../packages/core/src/counting/call-kinds.ts'
import { createTurnCalls } from '../../../packages/core/src/counting/turn-calls.ts'

const day = '2026-03-10'
const kind = newCallKind({ method: 'GET', route: '/' }, {}, 200, false)

function setUp() {
  const counted: string[] = []
  const calls = createTurnCalls((day, { length, userIds, accountIds, kinds }) => {
    for (let at = 0; at < length; at++)
      counted.push(`${day} ${userIds[at]} ${accountIds[at]} ${kinds[at]?.endpoint.route}`)
  })
  return { calls, counted }
}

it('counts the calls that wait once, in their order, each into its day', () => {
  const { calls, counted } = setUp()
  calls.add(day, 'ann', 'acme', kind)
  calls.add(day, 'bob', undefined, kind)
  expect(counted).toEqual([])
  calls.add('2026-03-11', 'ann', 'acme', kind)
  expect(counted).toEqual([`${day} ann acme /`, `${day} bob undefined /`])
  calls.count()
  calls.count()
  expect(counted.slice(2)).toEqual(['2026-03-11 ann acme /'])
})

it('counts before the end of the turn when 1,024 calls wait, so that memory stays bounded', () => {
  const { calls, counted } = setUp()
  for (let at = 0; at < 10_000; at++) calls.add(day, `u${at}`, undefined, kind)
  expect(10_000 - counted.length).toBeLessThanOrEqual(1_024)
  calls.count()
  expect(counted).toHaveLength(10_000)
})

it('a call that is added while others are counted is counted once', () => {
  const counted: string[] = []
  const calls = createTurnCalls((_day, { length, userIds }) => {
    for (let at = 0; at < length; at++) {
      counted.push(userIds[at] as string)
      // What the app does when a warning of the fold reaches it.
      if (userIds[at] === 'ann') {
        calls.add(day, 'late', undefined, kind)
        calls.add(day, 'later', undefined, kind)
        if (length === 3) calls.count()
      }
    }
  })
  for (const userId of ['ann', 'bob', 'cy']) calls.add(day, userId, undefined, kind)
  calls.count()
  calls.count()
  expect(counted).toEqual(['ann', 'late', 'later', 'bob', 'cy'])
  for (const userId of ['ann', 'bob']) calls.add(day, userId, undefined, kind)
  calls.count()
  calls.count()
  expect(counted.slice(5)).toEqual(['ann', 'bob', 'late', 'later'])
})
