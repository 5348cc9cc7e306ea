import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PxResponse } from '../../../packages/core/src/px/delivery-result.ts'
import { listEvents } from '../../../packages/core/src/px/list-events.ts'

function page(eventIds: number[], totalHits: number, scrollId: unknown = 'x'): PxResponse {
  const customEvents = eventIds.map((eventId) => ({ eventId }))
  return {
    received: true,
    status: 200,
    retryAfter: undefined,
    body: JSON.stringify({ customEvents, totalHits, scrollId }),
    isComplete: true,
  }
}

it('is complete only when every event was shown', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      async (pageSize, total, shown) => {
        const all = Array.from({ length: Math.min(shown, total) }, (_, index) => index)
        const seen: unknown[] = []
        let offset = 0
        const { outcome } = await listEvents(
          pageSize,
          async () => {
            offset += pageSize
            return page(all.slice(offset - pageSize, offset), total)
          },
          (events) => {
            seen.push(...events)
            return true
          },
        )
        expect(outcome).toBe(shown >= total ? 'complete' : 'unclean')
        expect(seen).toHaveLength(all.length)
      },
    ),
  )
})

it('goes on over pages that PX cuts shorter than it was asked, to the total', async () => {
  const pages = [page([1, 2], 5), page([3, 4], 5), page([5], 5)]
  let seen = 0
  const listing = await listEvents(
    100,
    async () => pages.shift() as PxResponse,
    (events) => {
      seen += events.length
      return true
    },
  )
  expect([listing.outcome, seen]).toEqual(['complete', 5])
})

it('takes a full page that is all there is for complete only after an empty one', async () => {
  const asked: Array<string | undefined> = []
  const pages = [page([1, 2], 2, 'second'), page([], 2)]
  const { outcome } = await listEvents(
    2,
    async (scrollId) => {
      asked.push(scrollId)
      return pages.shift() as PxResponse
    },
    () => true,
  )
  expect([outcome, asked]).toEqual(['complete', [undefined, 'second']])
})

it.each([
  ['an event shown twice for another', [page([1, 1], 2), page([1], 2)]],
  ['no way to go on', [page([1, 2], 3, null)]],
  ['a total that is no number', [page([1], '1' as never)]],
  ['more events than PX says there are', [page([1], 0)]],
  ['events without an id', [{ ...page([], 0), body: '{"customEvents":[{}],"totalHits":1}' } as PxResponse]],
  ['events that are none', [{ ...page([], 0), body: '{"customEvents":[null],"totalHits":1}' } as PxResponse]],
])('is unclean with %s', async (_name, pages) => {
  const { outcome } = await listEvents(
    2,
    async () => pages.shift() as PxResponse,
    () => true,
  )
  expect(outcome).toBe('unclean')
})
