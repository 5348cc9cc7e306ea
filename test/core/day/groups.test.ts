import { expect, it } from 'vitest'
import { apiCalls, callMeasure } from '../../../packages/core/src/counting/instruments.ts'
import { createGroups } from '../../../packages/core/src/day/groups.ts'

const series = { identity: { userId: 'ann' }, properties: {}, endpoint: { method: 'GET', route: '/' } }
const tokens = callMeasure('tokens')

async function all(groups: ReturnType<typeof createGroups>) {
  const found: unknown[] = []
  for await (const { series, values, measured } of groups.groups())
    found.push([series.instrument.name, Array.from(values), measured])
  return found
}

it('a measure belongs to the group of its calls, and calls without it have 0', async () => {
  const groups = createGroups()
  groups.add({ ...series, instrument: tokens }, [3])
  groups.add({ ...series, instrument: apiCalls }, [2, 0, 0, 0])
  groups.add({ ...series, instrument: tokens }, [4])
  groups.add({ ...series, instrument: apiCalls, properties: { plan: 'pro' } }, [1, 0, 0, 0])
  expect(groups.size).toBe(2)
  expect(await all(groups)).toEqual([
    ['apiCalls', [2, 0, 0, 0], [['tokens', 7]]],
    ['apiCalls', [1, 0, 0, 0], [['tokens', 0]]],
  ])
})

it('a measure without calls has a group of its own, so that its sum is not lost', async () => {
  const groups = createGroups()
  groups.add({ ...series, instrument: tokens }, [3])
  expect(await all(groups)).toEqual([['apiCalls', [0, 0, 0, 0], [['tokens', 3]]]])
})

it('other instruments have no measures, and clear() removes all', async () => {
  const groups = createGroups()
  const exports = { name: 'exports', kind: 'sum', measures: ['rows'] } as const
  groups.add({ ...series, instrument: exports }, [5])
  groups.add({ ...series, instrument: tokens }, [3])
  groups.clear()
  expect(groups.size).toBe(0)
  groups.add({ ...series, instrument: exports }, [5])
  expect(await all(groups)).toEqual([['exports', [5], []]])
})
