import { expect, test } from 'vitest'
import { account, ask, filter, start, user } from '../../support/started-emulator.ts'

test('lists are filtered, sorted and read on by scrollId', async () => {
  await start({ switches: { undeclaredAttribute: 'store' } })
  for (let at = 0; at < 5; at += 1) {
    const more = { customAttributes: { x: at % 2 }, location: { city: `City ${at}` }, score: 9 - at }
    await ask('POST', '/v1/users', user(`user-${at}`, more))
  }
  const ids = (page: { users: { id: string }[] }) => page.users.map(({ id }) => id)
  const odd = (await ask('GET', `/v1/users?${filter('customAttributes.x==1')}`)).body
  expect(ids(odd)).toEqual(['user-1', 'user-3'])
  expect(ids((await ask('GET', `/v1/users?${filter('location.city~*4')}`)).body)).toEqual(['user-4'])
  expect(ids((await ask('GET', `/v1/users?${filter('score>=8')}&sort=score`)).body)).toEqual([
    'user-1',
    'user-0',
  ])
  const first = (await ask('GET', '/v1/users?pageSize=3&sort=-identifyId')).body
  expect([ids(first), first.totalHits]).toEqual([['user-4', 'user-3', 'user-2'], 5])
  expect(ids((await ask('GET', `/v1/users?scrollId=${first.scrollId}`)).body)).toEqual(['user-1', 'user-0'])
})

test('accounts are listed in the same way, and removed by an id in the body', async () => {
  await start()
  for (const id of ['a/1', 'b', 'c']) await ask('POST', '/v1/accounts', account(id, { plan: id }))
  const ids = (page: { accounts: { id: string }[] }) => page.accounts.map(({ id }) => id)
  const first = (await ask('GET', '/v1/accounts?pageSize=2')).body
  expect([ids(first), first.totalHits]).toEqual([['a/1', 'b'], 3])
  expect(ids((await ask('GET', `/v1/accounts?scrollId=${first.scrollId}`)).body)).toEqual(['c'])
  expect(ids((await ask('GET', `/v1/accounts?${filter('plan!=B')}`)).body)).toEqual(['a/1', 'c'])
  expect((await ask('GET', '/v1/accounts?pageSize=1001')).status).toBe(400)
  expect((await ask('DELETE', '/v1/accounts/delete', { id: 'a/1' })).status).toBe(204)
  expect(ids((await ask('GET', '/v1/accounts')).body)).toEqual(['b', 'c'])
})
