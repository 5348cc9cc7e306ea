import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { IdentifyFailure } from '../../../packages/core/src/attribution/identify.ts'
import { createIdentityCache } from '../../../packages/core/src/attribution/identity-cache.ts'
import { createPendingCalls } from '../../../packages/core/src/attribution/pending-calls.ts'
import type { CountedCall } from '../../../packages/core/src/model/counted-call.ts'

const properties = Object.freeze({ apiType: 'RESTful' })
const never = () => new Promise<never>(() => {})

function call(route: string, changes: Partial<CountedCall> = {}): CountedCall {
  const endpoint = { method: 'GET', route }
  return { day: '2026-11-23', endpoint, properties, statusCode: 200, aborted: false, ...changes }
}

function setUp(maxPending = 10) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const concluded: Array<{ result: unknown; calls: Array<[route: string, times: number]> }> = []
  const pending = createPendingCalls(
    { clock, timeoutMs: 1_000, lookupTimeoutMs: 60_000, maxPending },
    (result, groups) =>
      concluded.push({ result, calls: groups.map(({ call, times }) => [call.endpoint.route, times]) }),
  )
  return { clock, concluded, pending }
}

describe('calls that wait for one promise', () => {
  it('are concluded together, each kind of call with its number', async () => {
    const { pending, concluded } = setUp()
    const promise = Promise.resolve({ userId: 'ann' })
    for (const route of ['/a', '/b', '/a', '/a']) pending.hold(promise, call(route))
    expect(pending.size).toBe(4)
    await pending.settled()
    expect(concluded).toEqual([
      {
        result: { userId: 'ann' },
        calls: [
          ['/a', 3],
          ['/b', 1],
        ],
      },
    ])
    expect(pending.size).toBe(0)
  })

  it.each<[string, Partial<CountedCall>, number]>([
    ['another day', { day: '2026-11-24' }, 2],
    ['a client error', { statusCode: 404 }, 2],
    ['a server error', { statusCode: 500 }, 2],
    ['an abort', { aborted: true }, 2],
    ['another method', { endpoint: { method: 'POST', route: '/a' } }, 2],
    ['other properties', { properties: { apiType: 'GraphQL' } }, 2],
    ['another status without an error', { statusCode: 302 }, 1],
  ])('differ in kind as the counters do: %s', async (_what, changes, kinds) => {
    const { pending, concluded } = setUp()
    const promise = Promise.resolve()
    pending.hold(promise, call('/a'))
    pending.hold(promise, call('/a', changes))
    await pending.settled()
    expect(concluded[0]?.calls).toHaveLength(kinds)
  })

  it('are grouped by class of error, not by status', async () => {
    const { pending, concluded } = setUp()
    const promise = Promise.resolve()
    for (const statusCode of [404, 503, 400, 500]) pending.hold(promise, call('/a', { statusCode }))
    await pending.settled()
    expect(concluded[0]?.calls).toEqual([
      ['/a', 2],
      ['/a', 2],
    ])
  })
})

describe('a promise', () => {
  it('that is rejected becomes a failure with its reason', async () => {
    const { pending, concluded } = setUp()
    const error = new Error('no database')
    pending.hold(Promise.reject(error), call('/a'))
    await pending.settled()
    expect(concluded).toEqual([{ result: new IdentifyFailure('rejected', error), calls: [['/a', 1]] }])
    expect(concluded[0]?.result).toMatchObject({ reason: 'rejected', error })
  })

  it('is given up in its own time, from its first call on, and its late result is ignored', async () => {
    const { clock, pending, concluded } = setUp()
    let resolveFirst: (identity: object) => void = () => {}
    const first = new Promise((resolve) => (resolveFirst = resolve))
    pending.hold(first, call('/first'))
    await clock.advance(400)
    pending.hold(first, call('/first'))
    pending.hold(never(), call('/second'))
    await clock.advance(599)
    expect(concluded).toEqual([])
    await clock.advance(1)
    expect(concluded.map(({ result, calls }) => [(result as IdentifyFailure).reason, calls])).toEqual([
      ['timedOut', [['/first', 2]]],
    ])
    resolveFirst({ userId: 'ann' })
    await clock.advance(399)
    expect(concluded).toHaveLength(1)
    await clock.advance(1)
    expect(concluded.map(({ calls }) => calls)).toEqual([[['/first', 2]], [['/second', 1]]])
    expect(pending.size).toBe(0)
  })

  it('of identifyBy is awaited for as long as its lookup may take', async () => {
    const { clock, pending, concluded } = setUp()
    const cache = createIdentityCache({
      ...{ lookup: never, max: 10, ttlMs: 1, negativeTtlMs: 1, timeoutMs: 30_000, clock },
    })
    pending.hold(cache.identityOf('key') as Promise<unknown>, call('/a'))
    await clock.advance(29_999)
    expect(concluded).toEqual([])
    await clock.advance(1)
    expect(concluded[0]?.result).toMatchObject({ reason: 'timedOut' })
  })

  it('that resolves twice is concluded once', async () => {
    const { pending, concluded } = setUp()
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable of another library
      then: (resolve: (user: string) => void) => [resolve('ann'), resolve('ben')],
    } as unknown as PromiseLike<unknown>
    pending.hold(thenable, call('/a'))
    await pending.settled()
    expect(concluded).toEqual([{ result: 'ann', calls: [['/a', 1]] }])
  })
})

describe('the room', () => {
  it('bounds the kinds that wait, and takes more calls of a kind that waits', async () => {
    const { pending, concluded } = setUp(2)
    const promise = Promise.resolve()
    expect(['/a', '/b', '/c', '/a'].map((route) => pending.hold(promise, call(route)))).toEqual([
      ...[true, true],
      ...[false, true],
    ])
    expect(pending.hold(never(), call('/d'))).toBe(false)
    expect(pending.size).toBe(3)
    await pending.settled()
    expect(concluded[0]?.calls).toEqual([
      ['/a', 2],
      ['/b', 1],
    ])
    expect(pending.hold(never(), call('/d'))).toBe(true)
  })

  it('bounds the kinds of one promise at a thousand, because each call is compared with them', () => {
    const { pending } = setUp(5_000)
    const promise = never()
    for (let i = 0; i < 1_000; i++) expect(pending.hold(promise, call(`/${i}`))).toBe(true)
    expect(pending.hold(promise, call('/one-more'))).toBe(false)
    expect(pending.hold(promise, call('/0'))).toBe(true)
    expect(pending.hold(never(), call('/one-more'))).toBe(true)
  })

  it('refuses a promise without leaving its rejection unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const { pending } = setUp(0)
    expect(pending.hold(Promise.reject(new Error('no database')), call('/a'))).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

it('settled() resolves at once without calls, and else when the last promise is concluded', async () => {
  const { clock, pending, concluded } = setUp()
  await pending.settled()
  pending.hold(Promise.resolve(), call('/a'))
  pending.hold(never(), call('/b'))
  let isSettled = false
  const settled = pending.settled().then(() => (isSettled = true))
  await clock.advance(999)
  expect([concluded.length, isSettled]).toEqual([1, false])
  await clock.advance(1)
  await settled
  expect(concluded).toHaveLength(2)
})
