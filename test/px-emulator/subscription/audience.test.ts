import { expect, test } from 'vitest'
import {
  account,
  ask,
  dayMs,
  emulator,
  event,
  nowMs,
  post,
  setTime,
  start,
  user,
} from '../../support/started-emulator.ts'

test.each([
  ['users', 'identifyId', 'User', user],
  ['accounts', 'id', 'Account', account],
] as const)(
  '%s: created once, changed in part, found by case-sensitive id',
  async (path, idField, name, make) => {
    await start({ switches: { undeclaredAttribute: 'store' } })
    expect((await ask('POST', `/v1/${path}`, make('a/b', { email: 'x' }))).status).toBe(201)
    const duplicate = await ask('POST', `/v1/${path}`, make('a/b'))
    expect(duplicate.status).toBe(400)
    expect(duplicate.body.externalapierror.message).toContain('possible duplicate')
    expect((await ask('PUT', `/v1/${path}/a%2Fb`, { customAttributes: { one: 1 } })).status).toBe(204)
    const inBody = { [idField]: 'a/b', customAttributes: { two: 2 } }
    expect((await ask('PUT', `/v1/${path}/update`, inBody)).status).toBe(204)
    expect((await ask('GET', `/v1/${path}/a%2Fb`)).body).toMatchObject({
      [idField]: 'a/b',
      email: 'x',
      customAttributes: { one: 1, two: 2 },
    })
    const absent = await ask('GET', `/v1/${path}/A%2FB`)
    expect(absent.status).toBe(404)
    expect(absent.body.externalapierror.message).toBe(`${name} was not found for parameters {id=A/B}`)
    expect((await ask('PUT', `/v1/${path}/absent`, {})).status).toBe(404)
    expect((await ask('DELETE', `/v1/${path}/absent`)).status).toBe(404)
    expect((await ask('POST', `/v1/${path}`, {})).status).toBe(400)
    expect((await ask('DELETE', `/v1/${path}/a%2Fb`)).status).toBe(204)
    expect((await ask('GET', `/v1/${path}/a%2Fb`)).status).toBe(404)
  },
)

test('a removed user returns with its attributes by POST or event for seven days, and not later', async () => {
  await start()
  const remove = async (query = '') => ask('DELETE', `/v1/users/ann${query}`)
  await ask('POST', '/v1/users', user('ann', { email: 'x' }))
  await remove()
  setTime(nowMs + 7 * dayMs)
  await ask('POST', '/v1/users', user('ann'))
  expect((await ask('GET', '/v1/users/ann')).body.email).toBe('x')
  await remove()
  await post(event)
  expect((await ask('GET', '/v1/users/ann')).body.email).toBe('x')
  await remove()
  setTime(nowMs + 7 * dayMs + 1)
  await post(event)
  expect((await ask('GET', '/v1/users/ann')).status).toBe(404)
  await ask('POST', '/v1/users', user('ann'))
  expect((await ask('GET', '/v1/users/ann')).body.email).toBeUndefined()
})

test('an account that an event brings back is as it was', async () => {
  await start({ switches: { unknownAccount: 'create' } })
  await ask('POST', '/v1/accounts', { ...account('acme'), name: 'Acme Ltd', plan: 'Pro' })
  const before = (await ask('GET', '/v1/accounts/acme')).body
  await ask('DELETE', '/v1/accounts/acme')
  await post({ ...event, accountId: 'acme', propertyKey: 'AP-OTHER-2' })
  expect((await ask('GET', '/v1/accounts/acme')).body).toEqual(before)
})

test('a hard removal, by path or by body, forbids that', async () => {
  await start()
  for (const [path, body] of [
    ['/v1/users/ann?hardDelete=true', undefined],
    ['/v1/users/delete', { identifyId: 'ann', hardDelete: true }],
  ] as const) {
    await ask('POST', '/v1/users', user('ann', { email: 'x' }))
    expect((await ask('DELETE', path, body)).status).toBe(204)
    await ask('POST', '/v1/users', user('ann'))
    expect((await ask('GET', '/v1/users/ann')).body.email).toBeUndefined()
    await ask('DELETE', '/v1/users/ann?hardDelete=true')
  }
})

test('with an account go all of its users', async () => {
  await start()
  await ask('POST', '/v1/accounts', account('acme'))
  for (const [id, accountId] of [
    ['ann', 'acme'],
    ['bob', 'acme'],
    ['cyd', 'globex'],
  ] as const) {
    await ask('POST', '/v1/users', user(id, { accountId }))
  }
  await ask('DELETE', '/v1/accounts/acme')
  const { users, totalHits } = (await ask('GET', '/v1/users')).body
  expect(users.map(({ identifyId }: { identifyId: string }) => identifyId)).toEqual(['cyd'])
  expect(totalHits).toBe(1)
})

test('switches say what a PUT does to other attributes, null and unknown ids', async () => {
  await start({ switches: { undeclaredAttribute: 'store' } })
  await ask('POST', '/v1/users', user('ann', { customAttributes: { a: 1, b: 2 } }))
  const after = async (customAttributes: object) => {
    await ask('PUT', '/v1/users/ann', { customAttributes })
    return (await ask('GET', '/v1/users/ann')).body.customAttributes
  }
  expect(await after({ a: null })).toEqual({ b: 2 })
  emulator.setSwitches({ nullAttribute: 'ignore' })
  expect(await after({ b: null })).toEqual({ b: 2 })
  emulator.setSwitches({ nullAttribute: 'store' })
  expect(await after({ b: null })).toEqual({ b: null })
  emulator.setSwitches({ putAttributes: 'replace', unknownPutStatus: 400, deletedStatus: 200 })
  expect(await after({ c: 3 })).toEqual({ c: 3 })
  expect((await ask('PUT', '/v1/users/absent', {})).status).toBe(400)
  expect((await ask('DELETE', '/v1/users/ann')).status).toBe(200)
})
