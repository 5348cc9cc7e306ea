import type { PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { readPxEvents } from '../../../packages/cli/src/audit/read-px-events.ts'

const signal = new AbortController().signal

async function read(
  names: string[],
  respond: (path: string) => unknown,
  more: { signal?: AbortSignal; status?: number } = {},
) {
  const events: object[] = []
  const paths: string[] = []
  const px = {
    async get(path: string): Promise<PxResponse> {
      paths.push(path)
      const body = JSON.stringify(respond(path))
      return { received: true, status: more.status ?? 200, body, isComplete: true, retryAfter: undefined }
    },
  }
  await readPxEvents(px, {
    names,
    startMs: 0,
    endMs: 9,
    pageSize: 2,
    signal: more.signal ?? signal,
    onEvent: (event) => void events.push(event),
    onPage: () => {},
  })
  return { events, filters: paths.map((path) => new URL(path, 'http://px').searchParams.get('filter')) }
}
const event = (eventId: string, eventName: string) => ({ eventId, eventName })

test('a name that no filter can contain is selected from all events, and others have a list each', async () => {
  const all = [event('1', 'a'), event('2', 'b c')]
  const { events, filters } = await read(['a', 'b c'], (path) => {
    const customEvents = path.includes('eventName') ? all.slice(0, 1) : all
    return { customEvents, totalHits: customEvents.length, scrollId: customEvents.length === 2 ? 'x' : null }
  }).catch((error: Error) => ({ events: [error.message], filters: [] }))
  // The second page of the full list repeats the first one, so it is not known to be complete.
  expect(events).toEqual([expect.stringContaining('could not be read to its end')])
  expect(filters).toEqual([])
})

test('an event that a later page repeats is given once, and one of a similar name not at all', async () => {
  const pages = [[event('1', 'a'), event('2', 'A')], [event('2', 'A'), event('3', 'a')], [event('3', 'a')]]
  const { events } = await read(['a'], () => ({
    customEvents: pages.shift() ?? [],
    totalHits: 3,
    scrollId: 'x',
  }))
  expect(events).toEqual([event('1', 'a'), event('3', 'a')])
})

test('an incomplete list, a refusal and an interruption end the audit with exit code 3', async () => {
  const short = () => ({ customEvents: [], totalHits: 3, scrollId: null })
  await expect(read(['a'], short)).rejects.toMatchObject({ exitCode: 3 })
  await expect(read(['a'], short, { status: 401 })).rejects.toThrow('PX refuses the API key (401)')
  const full = () => ({ customEvents: [event('1', 'a')], totalHits: 1, scrollId: null })
  await expect(read(['a'], full, { signal: AbortSignal.abort() })).rejects.toThrow('interrupted')
})
