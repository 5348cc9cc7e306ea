import { expect, it } from 'vitest'
import { createRefusals } from '../../../packages/core/src/delivery/refusals.ts'
import type { ClaimedLine } from '../../../packages/core/src/model/outbox-line.ts'
import { eventLine } from '../../support/px-sender.ts'

const line = (id: string): ClaimedLine => ({
  ...eventLine(id),
  state: 'pending',
  attempts: 1,
  attemptedAtMs: 0,
})
const idsOf = (refused: Array<{ line: ClaimedLine }>) => refused.map(({ line: { id } }) => id)

it('a refusal is believed once PX accepts another line', () => {
  const refusals = createRefusals()
  refusals.refused(line('a'), 'no')
  expect(refusals.confirmed(false)).toEqual([])
  refusals.accepted()
  expect(refusals.confirmed(false)).toEqual([{ line: line('a'), reason: 'no' }])
  expect(refusals.confirmed(false)).toEqual([])
})

it('a refusal is believed when no other line is left to ask with', () => {
  const refusals = createRefusals()
  refusals.refused(line('a'), 'no')
  expect(idsOf(refusals.confirmed(true))).toEqual(['a'])
})

it('20 refusals in a row mean that PX refuses everything, and none is believed', () => {
  const refusals = createRefusals()
  for (let at = 0; at < 19; at += 1) refusals.refused(line(`${at}`), 'no')
  expect(refusals.isEverything()).toBe(false)
  refusals.refused(line('19'), 'no')
  expect(refusals.isEverything()).toBe(true)
  expect(refusals.confirmed(true)).toEqual([])
  const released = refusals.released()
  expect(released).toHaveLength(20)
  expect(released[0]).toEqual({ id: '0', state: 'pending', waitMs: 3_600_000 })
})

it('a line that is refused again after PX accepted others is believed at once', () => {
  const refusals = createRefusals()
  for (let at = 0; at < 20; at += 1) refusals.refused(line(`${at}`), 'no')
  refusals.released()
  refusals.accepted()
  refusals.refused(line('7'), 'still no')
  expect(refusals.confirmed(false)).toEqual([{ line: line('7'), reason: 'still no' }])
})

it('a few refused lines that are released wait for nothing', () => {
  const refusals = createRefusals()
  refusals.refused(line('a'), 'no')
  expect(refusals.released()).toEqual([{ id: 'a', state: 'pending', waitMs: 0 }])
  expect(refusals.released()).toEqual([])
})
