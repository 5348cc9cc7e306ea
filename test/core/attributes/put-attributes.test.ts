import { memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { createAttributePutter } from '../../../packages/core/src/attributes/put-attributes.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { ClaimedLine } from '../../../packages/core/src/model/outbox-line.ts'
import type { Store } from '../../../packages/core/src/model/store.ts'
import type { PxResponse } from '../../../packages/core/src/px/delivery-result.ts'
import type { PxRequest } from '../../../packages/core/src/px/px-client.ts'

let store: Store
const clock = fakeClock('2026-11-24T00:20:00Z')

beforeEach(async () => {
  store = memoryStore()
  await store.open({ clock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
})

function line(kind: 'user' | 'account', id: string, day = '2026-11-23', calls = 5): ClaimedLine {
  const member = { [kind === 'user' ? 'identifyId' : 'id']: id, propertyKeys: ['AP-1'] }
  const body = JSON.stringify({ ...member, customAttributes: { dailyApiCalls: calls } })
  return {
    id: `${kind}-${id}-${day}`,
    day,
    kind,
    rank: 'total',
    body,
    calls: 0,
    state: 'pending',
    attempts: 0,
    attemptedAtMs: undefined,
  }
}

function response(status: number, body = ''): PxResponse {
  return { received: true, status, retryAfter: undefined, body, isComplete: true }
}

const unknownUser = JSON.stringify({
  externalapierror: {
    status: 'NOT_FOUND',
    message: 'User was not found for parameters {id=ann}',
    debugMessage: null,
    subErrors: null,
  },
})

function putter(
  script: Array<PxResponse | (() => Promise<PxResponse>)>,
  options: { createMissing?: boolean; isAddressRight?: boolean } = {},
) {
  const requests: PxRequest[] = []
  const attributes = createAttributePutter({
    client: {
      async request(request) {
        requests.push(request)
        const next = script.shift() ?? response(204)
        return typeof next === 'function' ? next() : next
      },
    },
    acquire: async () => 'granted',
    store,
    diagnostics: createDiagnostics(),
    now: clock.now,
    createMissing: options.createMissing ?? false,
    isAddressRight: () => options.isAddressRight ?? false,
  })
  return { ...attributes, requests }
}

describe('the request', () => {
  it.each([
    ['ann', '/v1/users/ann'],
    ['ann@example.com', '/v1/users/ann@example.com'],
    ['a-b_c.d~e', '/v1/users/a-b_c.d~e'],
    ['a/b', '/v1/users/update'],
    ['a?b', '/v1/users/update'],
    ['a#b', '/v1/users/update'],
    ['a%2Fb', '/v1/users/update'],
    ['a b', '/v1/users/update'],
    ['a;b', '/v1/users/update'],
    ['åse', '/v1/users/update'],
    ['..', '/v1/users/update'],
    ['update', '/v1/users/update'],
    ['delete', '/v1/users/update'],
    ['denylist', '/v1/users/update'],
  ])('for the user %s is PUT %s, with the id in the body', async (id, path) => {
    const { send, requests } = putter([])
    expect(await send(line('user', id))).toEqual({ outcome: 'delivered' })
    expect(requests.map(({ method, path }) => [method, path])).toEqual([['PUT', path]])
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      identifyId: id,
      propertyKeys: ['AP-1'],
      customAttributes: { dailyApiCalls: 5 },
    })
  })

  it('for an account has its id under the name that accounts have', async () => {
    const { send, requests } = putter([])
    await send(line('account', 'acme'))
    expect([requests[0]?.path, JSON.parse(requests[0]?.body ?? '').id]).toEqual(['/v1/accounts/acme', 'acme'])
  })
})

describe('a user that PX does not know', () => {
  it('is done with, counted, and not made', async () => {
    const { send, requests, stats } = putter([response(404, unknownUser), response(404, unknownUser)])
    expect(await send(line('user', 'ann'))).toMatchObject({ outcome: 'skipped' })
    expect(await send(line('user', 'ann', '2026-11-24'))).toMatchObject({ outcome: 'skipped' })
    expect(requests.map(({ method }) => method)).toEqual(['PUT', 'PUT'])
    expect(stats()).toEqual({ put: 0, created: 0, missing: 2, superseded: 0 })
  })

  it('is made where asked for, an account with its id for a name', async () => {
    const { send, requests, stats } = putter(
      [response(404, unknownUser), response(201), response(404, unknownUser), response(201)],
      { createMissing: true },
    )
    await send(line('user', 'ann'))
    await send(line('account', 'acme'))
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /v1/users/ann',
      'POST /v1/users',
      'PUT /v1/accounts/acme',
      'POST /v1/accounts',
    ])
    expect(JSON.parse(requests[3]?.body ?? '')).toEqual({
      id: 'acme',
      name: 'acme',
      propertyKeys: ['AP-1'],
      customAttributes: { dailyApiCalls: 5 },
    })
    expect(stats()).toMatchObject({ created: 2, missing: 0 })
  })

  it('and that another sender creates meanwhile is tried again later', async () => {
    const duplicate = JSON.stringify({ externalapierror: { message: 'possible duplicate' } })
    const { send } = putter([response(404, unknownUser), response(400, duplicate)], { createMissing: true })
    expect(await send(line('user', 'ann'))).toMatchObject({ outcome: 'unconfirmed' })
    expect(await send(line('user', 'ann'))).toEqual({ outcome: 'delivered' })
  })

  it('is known by a 400 that says so as well', async () => {
    const { send, stats } = putter([response(400, unknownUser)])
    expect(await send(line('user', 'ann'))).toMatchObject({ outcome: 'skipped' })
    expect(stats().missing).toBe(1)
  })
})

describe('a 404 without a word from PX', () => {
  it('is no proof as long as the address may be wrong: the line is kept', async () => {
    const { send, stats } = putter([response(404, '<html>not found</html>')])
    expect(await send(line('user', 'ann'))).toMatchObject({ outcome: 'unconfirmed' })
    expect(stats().missing).toBe(0)
  })

  it('says that PX does not have the user once PX accepted something at this address', async () => {
    const { send, stats } = putter([response(204), response(404)])
    await send(line('user', 'bob'))
    expect(await send(line('user', 'ann'))).toMatchObject({ outcome: 'skipped' })
    const proven = putter([response(404)], { isAddressRight: true })
    await proven.send(line('user', 'ann'))
    expect([stats().missing, proven.stats().missing]).toEqual([1, 1])
  })
})

it.each([
  [response(200, '<html>Sign in</html>'), 'unconfirmed'],
  [response(401), 'stopped'],
  [response(403), 'stopped'],
  [response(302), 'stopped'],
  [response(405), 'stopped'],
  [response(429), 'retryable'],
  [response(500), 'unconfirmed'],
  [response(400, 'no'), 'rejected'],
  [{ received: false, error: new Error('reset'), maybeSent: true } as const, 'unconfirmed'],
  [{ received: false, error: new Error('refused'), maybeSent: false } as const, 'retryable'],
])('after %o the line is %s', async (received, outcome) => {
  const { send } = putter([received])
  expect((await send(line('user', 'ann'))).outcome).toMatch(new RegExp(outcome))
})

describe('an older value', () => {
  const older = line('user', 'ann', '2026-11-22', 1)
  const newer = line('user', 'ann', '2026-11-23', 2)
  const put = ({ requests }: { requests: PxRequest[] }) =>
    requests.map(({ body = '' }) => JSON.parse(body).customAttributes.dailyApiCalls)

  it('that waited is not put after a newer one', async () => {
    const first = putter([response(500)])
    expect((await first.send(older)).outcome).toBe('unconfirmed')
    expect((await first.send(newer)).outcome).toBe('delivered')
    expect((await first.send(older)).outcome).toBe('skipped')
    expect(put(first)).toEqual([1, 2])
    expect(first.stats()).toMatchObject({ put: 1, superseded: 1 })
  })

  it('that waited is not put after a newer one by the process that starts after a crash', async () => {
    await putter([response(500)]).send(older)
    await putter([]).send(newer)
    const last = putter([])
    expect((await last.send(older)).outcome).toBe('skipped')
    expect(put(last)).toEqual([])
  })

  it('is put when nothing newer was, and its member is forgotten then', async () => {
    const one = putter([response(500)])
    await one.send(older)
    await one.send(older)
    expect(put(one)).toEqual([1, 1])
    const notes: string[] = []
    const writeNote = store.writeNote.bind(store)
    store.writeNote = (name, value) => {
      notes.push(name)
      return writeNote(name, value)
    }
    await one.send(newer)
    expect(notes).toEqual([])
  })

  it('under way keeps the newer one waiting, but no other line', async () => {
    let finish: (response: PxResponse) => void = () => {}
    const slow = putter([() => new Promise((resolve) => (finish = resolve))])
    const first = slow.send(older)
    const second = slow.send(newer)
    await slow.send(line('user', 'bob', '2026-11-23', 3))
    expect(put(slow)).toEqual([1, 3])
    finish(response(204))
    await Promise.all([first, second])
    expect(put(slow)).toEqual([1, 3, 2])
  })
})
