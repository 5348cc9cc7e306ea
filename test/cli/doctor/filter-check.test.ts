import type { PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { checkFilters } from '../../../packages/cli/src/doctor/filter-check.ts'

const event = { eventId: '1', eventName: 'dailyApiCalls', identifyId: 'ann' }

/** A PX with one event that finds it by `matches`, given whether each filter parameter matches it. */
function px(matches: (filters: readonly boolean[]) => boolean, shown: object | undefined = event) {
  return {
    async get(path: string): Promise<PxResponse> {
      const filters = new URL(path, 'http://px').searchParams.getAll('filter')
      const hits = filters.map((filter) => !filter.includes('absent-'))
      const customEvents = shown !== undefined && matches(hits) ? [shown] : []
      const body = JSON.stringify({ customEvents, totalHits: customEvents.length, scrollId: null })
      return { received: true, status: 200, body, isComplete: true, retryAfter: undefined }
    },
  }
}

test.each<[string, (filters: readonly boolean[]) => boolean, string, string]>([
  ['OR', (filters) => filters.some(Boolean), 'ok', 'by OR'],
  ['AND', (filters) => filters.every(Boolean), 'ok', 'by AND'],
  ['the first one only', (filters) => filters[0] === true, 'ok', 'only the first'],
  ['the last one only', (filters) => filters.at(-1) === true, 'ok', 'only the last'],
  ['no filter at all', () => true, 'failure', 'do not match'],
])('a PX that applies %s is recognised', async (_, matches, verdict, text) => {
  expect(await checkFilters(px(matches), 0)).toMatchObject({ verdict, found: expect.stringContaining(text) })
})

test('an id that no filter can contain is replaced by the name of the event', async () => {
  const or = (filters: readonly boolean[]) => filters.some(Boolean)
  expect((await checkFilters(px(or, { ...event, identifyId: 'a;b' }), 0)).verdict).toBe('ok')
  const neither = { ...event, identifyId: 'a;b', eventName: 'c d' }
  expect((await checkFilters(px(or, neither), 0)).verdict).toBe('unknown')
})
