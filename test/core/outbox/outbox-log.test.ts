import { describe, expect, it } from 'vitest'
import { OutboxReplay, type StateChange } from '../../../packages/core/src/outbox/outbox-log.ts'

/** What an earlier version wrote into its log. */
const earlier = (change: unknown) => change as StateChange

describe('a log of an earlier version', () => {
  it('that settled a line as unknown leaves it unconfirmed', () => {
    const history = new OutboxReplay()
    history.apply(['file', 1, '2026-11-23.0.lines'])
    history.apply(['attempt', 5, [[1, 0, 40]]])
    history.apply(earlier(['settle', [[1, 0, 40, 'unknown', 9]]]))
    const line = { offset: 40, state: 'unconfirmed', attempts: 1, attemptedAtMs: 5, dueAtMs: 9 }
    expect([...history.of('2026-11-23.0.lines').touched]).toEqual([[0, line]])
  })

  it('that begins with an unknown line leaves it unconfirmed', () => {
    const history = new OutboxReplay()
    const unknown = { offset: 40, state: 'unknown', attempts: 1, attemptedAtMs: 5, dueAtMs: 9 }
    const pending = { offset: 90, state: 'pending', attempts: 2, attemptedAtMs: 6, dueAtMs: 9 }
    const touched = [
      [0, unknown],
      [1, pending],
    ]
    const files = [{ number: 1, name: 'a.lines', done: '', isSuspect: false, touched }]
    history.apply(earlier(['snapshot', { delivered: 0, rejected: 0, known: [], files }]))
    expect([...history.of('a.lines').touched]).toEqual([
      [0, { ...unknown, state: 'unconfirmed' }],
      [1, pending],
    ])
  })
})

it('files are in the order in which they were begun, those that the log does not name last', () => {
  const history = new OutboxReplay()
  for (const [number, name] of [
    [7, 'b'],
    [9, 'a'],
    [8, 'c'],
  ] as const)
    history.apply(['file', number, name])
  expect(history.inOrder(['a', 'b', 'c', 'd'])).toEqual(['b', 'c', 'a', 'd'])
})
