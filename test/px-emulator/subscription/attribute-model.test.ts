import { expect, test } from 'vitest'
import { ask, emulator, nowMs, start, user } from '../../support/started-emulator.ts'

test('declared attributes are a bare array that cannot be written', async () => {
  await start({
    attributes: { user: [{ apiName: 'calls', type: 'NUMBER' }], account: [{ apiName: 'plan' }] },
  })
  const { body } = await ask('GET', '/v1/admin/model/user/attributes')
  expect(body).toEqual([
    {
      id: expect.any(String),
      name: 'calls',
      apiName: 'calls',
      internalName: 'calls',
      description: '',
      type: 'NUMBER',
      state: 'ENABLED',
      origin: 'CUSTOM',
      createdDate: nowMs,
      modifiedDate: nowMs,
      defaultValue: null,
    },
  ])
  expect((await ask('GET', '/v1/admin/model/account/attributes')).body[0].apiName).toBe('plan')
  expect((await ask('GET', '/v1/admin/model/robot/attributes')).status).toBe(404)
  expect((await ask('POST', '/v1/admin/model/user/attributes', {})).status).toBe(405)
})

test('an undeclared, disabled or differently cased attribute is dropped, refused or stored', async () => {
  await start({
    attributes: { user: [{ apiName: 'calls' }, { apiName: 'off', state: 'DISABLED' }] },
  })
  const customAttributes = { calls: 1, Calls: 2, off: 3 }
  expect((await ask('POST', '/v1/users', user('ann', { customAttributes }))).status).toBe(201)
  const stored = async () => (await ask('GET', '/v1/users/ann')).body.customAttributes
  expect(await stored()).toEqual({ calls: 1 })
  emulator.setSwitches({ undeclaredAttribute: 'refuse' })
  const refused = await ask('PUT', '/v1/users/ann', { customAttributes })
  expect(refused.status).toBe(400)
  expect(refused.body.externalapierror.subErrors).toHaveLength(2)
  emulator.setSwitches({ undeclaredAttribute: 'store' })
  await ask('PUT', '/v1/users/ann', { customAttributes })
  expect(await stored()).toEqual(customAttributes)
})
