import { expect, test } from 'vitest'
import { control, emulator, find, start } from '../support/started-emulator.ts'

test('a bounded number of requests is kept, the newest', async () => {
  await start({ keepRequests: 10 })
  for (let at = 0; at < 30; at += 1) await find(`at=${at}`)
  expect(emulator.requests.length).toBeLessThanOrEqual(11)
  expect(emulator.requests.at(-1)?.url).toContain('at=29')
  expect((await control('GET', 'requests')).body.total).toBe(30)
})
