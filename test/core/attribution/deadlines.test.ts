import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { createDeadlines } from '../../../packages/core/src/attribution/deadlines.ts'

function deadlines() {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const late: string[] = []
  return { clock, late, deadlines: createDeadlines<string>(clock, 1_000, (thing) => void late.push(thing)) }
}

it('each thing is given up when its own time is over', async () => {
  const { clock, late, deadlines: all } = deadlines()
  all.add('first')
  await clock.advance(400)
  all.add('second')
  await clock.advance(599)
  expect(late).toEqual([])
  await clock.advance(1)
  expect(late).toEqual(['first'])
  await clock.advance(399)
  expect(late).toEqual(['first'])
  await clock.advance(1)
  expect(late).toEqual(['first', 'second'])
})

it('a thing that came in time is not given up, and does not delay the others', async () => {
  const { clock, late, deadlines: all } = deadlines()
  all.add('first')
  all.add('second')
  all.delete('first')
  await clock.advance(1_000)
  expect(late).toEqual(['second'])
})

it('a step of the wall clock gives nothing up', async () => {
  const { clock, late, deadlines: all } = deadlines()
  all.add('first')
  clock.step(3_600_000)
  await clock.advance(999)
  expect(late).toEqual([])
})
