import { createUsageDays, type PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { countEvents } from '../../../packages/cli/src/budget/count-events.ts'

const days = createUsageDays('Europe/Berlin')
const dayList = ['2026-10-24', '2026-10-25']

function count(response: Partial<PxResponse & { received: true }>, eventName = 'a') {
  const ranges: number[] = []
  const px = {
    async get(path: string): Promise<PxResponse> {
      const { searchParams } = new URL(path, 'http://px')
      ranges.push(Number(searchParams.get('dateRangeEnd')) + 1 - Number(searchParams.get('dateRangeStart')))
      return { received: true, status: 200, body: '', isComplete: true, retryAfter: undefined, ...response }
    },
  }
  const { signal } = new AbortController()
  return countEvents(px, { eventName, dayList, days, signal, onDay: () => {} }).then((counts) => ({
    counts,
    ranges,
  }))
}

test('each day is one request over its hours, 25 of them when the clocks go back', async () => {
  const { counts, ranges } = await count({ body: '{"customEvents":[],"totalHits":7}' })
  expect([counts, ranges.map((ms) => ms / 3_600_000)]).toEqual([
    [7, 7],
    [24, 25],
  ])
})

test('a refusal, or a response that is no list, ends with code 3; a name for no filter with 2', async () => {
  await expect(count({ status: 401 })).rejects.toMatchObject({ exitCode: 3 })
  await expect(count({ body: '{}' })).rejects.toThrow('not a list of events')
  await expect(count({}, 'a;b')).rejects.toMatchObject({ exitCode: 2 })
})
