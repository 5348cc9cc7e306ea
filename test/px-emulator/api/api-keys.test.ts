import { expect, test } from 'vitest'
import { ask, emulator, event, start } from '../../support/started-emulator.ts'

test('a missing or unknown key returns 401 with the text that the data loader looks for', async () => {
  await start()
  for (const key of [null, '', 'unknown']) {
    const refused = await ask('POST', '/v1/events/custom', event, key)
    expect(refused.status).toBe(401)
    expect(refused.body.externalapierror.message).toContain(
      'Authentication failed in loginAwareAuthentication',
    )
  }
  expect(emulator.events()).toEqual([])
})

test('a key without Write gets 403 for a change, and one without Read for GET, or 401 by switch', async () => {
  await start({ keys: { reader: { read: true }, writer: { write: true } } })
  const statuses = async () => [
    (await ask('POST', '/v1/events/custom', event, 'reader')).status,
    (await ask('PUT', '/v1/users/ann', {}, 'reader')).status,
    (await ask('DELETE', '/v1/users/ann', undefined, 'reader')).status,
    (await ask('GET', '/v1/events/custom', undefined, 'writer')).status,
  ]
  expect(await statuses()).toEqual([403, 403, 403, 403])
  emulator.setSwitches({ weakKeyStatus: 401 })
  expect(await statuses()).toEqual([401, 401, 401, 401])
  expect(emulator.events()).toEqual([])
  expect((await ask('GET', '/v1/events/custom', undefined, 'reader')).status).toBe(200)
  expect((await ask('POST', '/v1/events/custom', event, 'writer')).status).toBe(201)
})
