import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  compare,
  DueQueue,
  RunQueue,
  type SendOrder,
  type Waiting,
} from '../../../packages/core/src/outbox/due-queue.ts'

const rank = fc.constantFrom('total' as const, 'detail' as const)
const day = fc.constantFrom('2026-11-21', '2026-11-22', '2026-11-23')

it('due lines come by day, totals before details, then in the order of arrival', () => {
  const entry = fc.record({ day, rank, dueAtElapsedMs: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), fc.nat(20), (entries, nowMs) => {
      const lines: Waiting[] = entries.map((each, order) => ({ ...each, order }))
      const queue = new DueQueue<Waiting>()
      for (const line of lines) queue.add(line)
      const taken: Waiting[] = []
      for (let line = queue.peek(nowMs); line !== undefined; line = queue.peek(nowMs)) {
        queue.take(line)
        taken.push(line)
      }
      expect(taken).toEqual(lines.filter(({ dueAtElapsedMs }) => dueAtElapsedMs <= nowMs).sort(compare))
      const later = lines.map(({ dueAtElapsedMs }) => dueAtElapsedMs).filter((dueAtMs) => dueAtMs > nowMs)
      expect(queue.nextDueInMs(nowMs)).toBe(later.length === 0 ? undefined : Math.min(...later) - nowMs)
    }),
  )
})

it('an older day comes first, then a total, then what came first', () => {
  const places = [
    { day: '2026-11-22', rank: 'total', order: 4 },
    { day: '2026-11-22', rank: 'detail', order: 1 },
    { day: '2026-11-22', rank: 'detail', order: 3 },
    { day: '2026-11-23', rank: 'total', order: 2 },
  ] as const
  expect([...places].reverse().sort(compare)).toEqual(places)
})

it('a line that is added again has its new time, and a removed one never comes', () => {
  const queue = new DueQueue<Waiting>()
  const lines = [0, 1].map((order) => ({
    day: '2026-11-23',
    rank: 'total' as const,
    order,
    dueAtElapsedMs: 5,
  }))
  const [first, second] = lines as [Waiting, Waiting]
  for (const line of lines) queue.add(line)
  expect(queue.peek(5)).toBe(first)
  first.dueAtElapsedMs = 9
  queue.add(first)
  expect(queue.peek(5)).toBe(second)
  queue.remove(second)
  expect([queue.peek(5), queue.peek(9)]).toEqual([undefined, first])
})

it('runs come in the order of sending, without those that are at their end', () => {
  const queue = new RunQueue<SendOrder & { isAtEnd: boolean }>()
  const run = (day: string, order: number) => ({ day, order, rank: 'total' as const, isAtEnd: false })
  const [late, first, second] = [run('2026-11-23', 1), run('2026-11-22', 2), run('2026-11-22', 3)]
  for (const one of [late, second, first]) queue.add(one)
  expect([queue.peek(), queue.newest]).toEqual([first, first])
  first.isAtEnd = true
  expect([queue.peek(), queue.newest]).toEqual([second, undefined])
  queue.add(first)
  queue.keep((one) => one === late)
  expect([queue.peek(), queue.newest]).toEqual([late, undefined])
})
