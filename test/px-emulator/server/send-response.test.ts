import { expect, test } from 'vitest'
import { emulator, event, post, start } from '../../support/started-emulator.ts'

test.each([403, 502])('%i comes with an HTML body on demand', async (status) => {
  await start()
  emulator.addFault({
    fault: { status, body: '<!doctype html><h1>Sorry', headers: { 'content-type': 'text/html' } },
  })
  const response = await post(event)
  expect([response.status, response.headers.get('content-type'), response.text]).toEqual([
    status,
    'text/html',
    '<!doctype html><h1>Sorry',
  ])
})

test('every refusal has an HTML body, or none, where the switch says so', async () => {
  await start({ switches: { errorBody: 'html' } })
  expect((await post({})).text).toMatch(/^<!doctype html>/)
  emulator.setSwitches({ errorBody: 'empty' })
  expect((await post({})).text).toBe('')
})
