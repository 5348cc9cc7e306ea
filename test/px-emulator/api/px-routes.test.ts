import { expect, test } from 'vitest'
import { ask, control, emulator, event, find, post, start, user } from '../../support/started-emulator.ts'

test('everything is below /v1 on one port, and an unknown path returns 404', async () => {
  await start()
  expect((await find('')).status).toBe(200)
  for (const path of ['/v1/custom_events', '/v1/events/custom/batch', '/v2/events/custom', '/v1', '/v1//']) {
    expect([path, (await ask('GET', path)).status]).toEqual([path, 404])
  }
})

test('the body of 201 is empty, JSON or text', async () => {
  await start()
  expect((await post(event)).text).toBe('')
  emulator.setSwitches({ createdBody: 'json' })
  expect((await post(event)).body.eventName).toBe('dailyApiCalls')
  emulator.setSwitches({ createdBody: 'text' })
  expect((await post(event)).text).toBe('Created')
})

test('ids in a path are taken as they are where the switch says so', async () => {
  await start({ switches: { pathIds: 'raw' } })
  await ask('POST', '/v1/users', user('a/b'))
  expect((await ask('GET', '/v1/users/a%2Fb')).status).toBe(404)
  expect((await ask('PUT', '/v1/users/update', { identifyId: 'a/b' })).status).toBe(204)
})

test('the subscription returns its time zone and product keys', async () => {
  await start({ timeZone: 'Europe/Berlin', productKey: 'AP-MINE-2' })
  const { body } = await ask('GET', '/v1/admin/subscription')
  expect(body.timeZone).toBe('Europe/Berlin')
  expect(body.products[0].productKeys[0].productKey).toBe('AP-MINE-2')
  await control('PUT', 'subscription', { timeZone: 'Asia/Tokyo' })
  expect((await ask('GET', '/v1/admin/subscription')).body.timeZone).toBe('Asia/Tokyo')
})
