import { expect, test } from 'vitest'
import { ask, control, emulator, event, find, november, post, start } from '../support/started-emulator.ts'

test('a bounded number of requests is kept, the newest', async () => {
  await start({ keepRequests: 10 })
  for (let at = 0; at < 30; at += 1) await find(`at=${at}`)
  expect(emulator.requests.length).toBeLessThanOrEqual(11)
  expect(emulator.requests.at(-1)?.url).toContain('at=29')
  expect((await control('GET', 'requests')).body.total).toBe(30)
})

test('a list has later pages although the clock has fractions of a millisecond', async () => {
  await start({ now: () => Date.UTC(2026, 10, 23, 10) + 0.25 })
  for (const identifyId of ['ann', 'bob']) await post({ ...event, identifyId })
  const first = await find(`${november}&pageSize=1`)
  const second = await find(`pageSize=1&scrollId=${first.body.scrollId}`)
  expect(second.body.customEvents).toMatchObject([{ identifyId: 'bob' }])
})

const megabyte = 'x'.repeat(1024 * 1024)

test('bodies without a key do not fill the memory', async () => {
  await start({ switches: { requestsPerSecond: null } })
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      ask('POST', '/v1/events/custom', megabyte, at % 2 ? 'wrong' : null),
    ),
  )
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([401]))
  expect(emulator.requests).toHaveLength(40)
  expect(Math.max(...emulator.requests.map(({ body }) => body.length))).toBeLessThanOrEqual(1024)
})

test('of bodies with a key, 64 MB are kept', async () => {
  await start({ switches: { requestsPerSecond: null } })
  for (let i = 0; i < 80; i++) await ask('POST', '/v1/events/custom', megabyte)
  const kept = emulator.requests.reduce((sum, { body }) => sum + body.length, 0)
  expect(kept).toBeGreaterThan(48 * 1024 * 1024)
  expect(kept).toBeLessThanOrEqual(64 * 1024 * 1024)
})
