import { expect, it } from 'vitest'
import {
  attributeLine,
  attributesOf,
  createRequest,
  isDuplicate,
  isUnknownMember,
  updateRequest,
} from '../../../packages/core/src/attributes/px-attributes.ts'

const lineOf = (kind: 'user' | 'account', id: string) =>
  attributeLine({ kind, id, day: '2026-11-23', values: { calls: 7 }, lineId: 'line-1' }, 'AP-TEST-2')
const reply = (message: string) => JSON.stringify({ externalapierror: { message } })

it('a line sets the attributes of a user or an account, and is read back', () => {
  expect(JSON.parse(lineOf('user', 'ann').body)).toEqual({
    identifyId: 'ann',
    propertyKeys: ['AP-TEST-2'],
    customAttributes: { calls: 7 },
  })
  for (const [kind, id] of [
    ['user', 'ann'],
    ['account', 'acme'],
  ] as const) {
    expect(attributesOf(lineOf(kind, id))).toEqual({ kind, id, values: { calls: 7 } })
  }
})

it('an id that a path cannot carry as it is, or that means something there, goes in the body', () => {
  expect(updateRequest(lineOf('user', 'ann@x.y')).path).toBe('/v1/users/ann@x.y')
  for (const id of ['a/b', 'a b', '..', '.', '', 'é', 'update', 'delete', 'denylist']) {
    expect(updateRequest(lineOf('account', id)).path).toBe('/v1/accounts/update')
  }
})

it('an account is created with its id as its name', () => {
  const { method, path, body } = createRequest(lineOf('account', 'acme'))
  expect([method, path, JSON.parse(body ?? '')]).toEqual([
    'POST',
    '/v1/accounts',
    expect.objectContaining({ id: 'acme', name: 'acme' }),
  ])
  expect(JSON.parse(createRequest(lineOf('user', 'ann')).body ?? '')).not.toHaveProperty('name')
})

it('a reply of PX about a member is recognised by its status and message', () => {
  expect(isUnknownMember(404, reply('User was not found for parameters {id=ann}'))).toBe(true)
  expect(isUnknownMember(404, '<h1>not found</h1>')).toBe(false)
  expect(isUnknownMember(500, reply('not found'))).toBe(false)
  expect(isDuplicate(400, reply('possible duplicate'))).toBe(true)
  expect(isDuplicate(409, reply('possible duplicate'))).toBe(false)
})
