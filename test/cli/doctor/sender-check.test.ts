import type { PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { checkSenders } from '../../../packages/cli/src/doctor/sender-check.ts'

const settings = { eventName: 'dailyApiCalls', productKey: 'AP-A-2', nowMs: 0 }

function px(events: readonly object[], pages: string[] = []) {
  return {
    async get(path: string): Promise<PxResponse> {
      const at = Number(new URL(path, 'http://px').searchParams.get('scrollId') ?? 0)
      pages.push(path)
      const customEvents = events.slice(at, at + 1_000)
      const body = JSON.stringify({ customEvents, totalHits: events.length, scrollId: String(at + 1_000) })
      return { received: true, status: 200, body, isComplete: true, retryAfter: undefined }
    },
  }
}
const event = (id: string, apiCalls: number) => ({
  eventId: `${id}-${apiCalls}-${Math.random()}`,
  propertyKey: 'AP-A-2',
  attributes: { rollupId: id, apiCalls },
})

test('at most 5 pages are read, and the check says that it looked at a part', async () => {
  const pages: string[] = []
  const many = Array.from({ length: 9_000 }, (_, at) => event(`id-${at}`, 1))
  const check = await checkSenders(px(many, pages), settings)
  expect(pages).toHaveLength(5)
  expect(check).toMatchObject({ verdict: 'ok', found: expect.stringContaining('5000 events') })
  expect(check.found).toContain('looked at')
})

test('two events of one id with different numbers are worse than the same event twice', async () => {
  const twice = [event('a', 1), event('a', 1)]
  expect((await checkSenders(px(twice), settings)).verdict).toBe('warning')
  expect((await checkSenders(px([...twice, event('a', 2)]), settings)).verdict).toBe('failure')
})

test('an event name that no filter can contain is not looked for', async () => {
  const pages: string[] = []
  expect((await checkSenders(px([], pages), { ...settings, eventName: 'a;b' })).verdict).toBe('unknown')
  expect(pages).toEqual([])
})
