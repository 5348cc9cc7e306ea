import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { createAttribution } from '../../../packages/core/src/attribution/attribute-call.ts'
import { callIdentify } from '../../../packages/core/src/attribution/identify.ts'
import { newCallKind } from '../../../packages/core/src/counting/call-kinds.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { UsageError } from '../../../packages/core/src/errors.ts'
import type { CallKind } from '../../../packages/core/src/model/call-kind.ts'

const properties = Object.freeze({ apiType: 'RESTful' })

interface Call {
  day: string
  kind: CallKind
}

function call(route: string, { day = '2026-11-23', statusCode = 200, aborted = false } = {}): Call {
  return { day, kind: newCallKind({ method: 'GET', route }, properties, statusCode, aborted) }
}

function setUp(maxPending = 10) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const counted: Array<[userId: string, accountId: string | undefined, route: string, times: number]> = []
  const errors: UsageError[] = []
  let today = ''
  const created = createAttribution({
    clock,
    diagnostics: createDiagnostics((error) => errors.push(error), clock),
    timeoutMs: 1_000,
    lookupTimeoutMs: 900_000,
    maxPending,
    today: () => today,
    count: ({ userId, accountId }, { endpoint }, times) =>
      counted.push([userId, accountId, endpoint.route, times]),
    countOne: (userId, accountId, { endpoint }) => counted.push([userId, accountId, endpoint.route, 1]),
  })
  const attribution = {
    ...created,
    attribute(result: unknown, { day, kind }: Call) {
      today = day
      created.attribute(result, kind)
    },
  }
  return { clock, counted, errors, attribution }
}

describe('attribute()', () => {
  it('counts a sync identity at once', () => {
    const { attribution, counted } = setUp()
    attribution.attribute({ userId: 7, accountId: 'acme' }, call('/a'))
    expect(counted).toEqual([['7', 'acme', '/a', 1]])
    expect(attribution.stats().pending).toBe(0)
  })

  it('counts a promised identity when it resolves', async () => {
    const { attribution, counted } = setUp()
    attribution.attribute(Promise.resolve({ userId: 'ann' }), call('/a'))
    expect(counted).toEqual([])
    expect(attribution.stats().pending).toBe(1)
    await attribution.settled()
    expect(counted).toEqual([['ann', undefined, '/a', 1]])
  })

  it('gives up a promise that does not resolve, and ignores a late result', async () => {
    const { attribution, counted, clock } = setUp()
    let answer: (identity: object) => void = () => {}
    attribution.attribute(new Promise((resolve) => (answer = resolve)), call('/a'))
    await clock.advance(1_000)
    expect(attribution.stats()).toMatchObject({ pending: 0, unattributed: { timedOut: 1 } })
    answer({ userId: 'ann' })
    await clock.advance(1)
    expect(counted).toEqual([])
  })

  it('awaits at most the configured number of promises', async () => {
    const { attribution, clock } = setUp(2)
    for (let i = 0; i < 3; i++) attribution.attribute(new Promise(() => {}), call('/a'))
    attribution.attribute(Promise.reject(new Error('nobody listens')), call('/a'))
    expect(attribution.stats()).toMatchObject({ pending: 2, unattributed: { overloaded: 2 } })
    await clock.advance(1_000)
    expect(attribution.stats().pending).toBe(0)
  })

  it('survives thenables that break every rule', async () => {
    const { attribution, counted } = setUp()
    const brokenThen = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('then is broken')
      },
    })
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable of somebody else's making
      then: (resolve: (identity: object) => void) => [resolve({ userId: 'a' }), resolve({ userId: 'b' })],
    }
    attribution.attribute(brokenThen, call('/first'))
    attribution.attribute(twice, call('/second'))
    await attribution.settled()
    expect(counted).toEqual([['a', undefined, '/second', 1]])
    expect(attribution.stats().unattributed.invalid).toBe(1)
  })

  it('lets calls with one promise wait together, and counts each into its own day', async () => {
    const { attribution, counted } = setUp()
    let answer: (identity: object) => void = () => {}
    const promise = new Promise((resolve) => (answer = resolve))
    for (let i = 0; i < 1_000; i++) attribution.attribute(promise, call('/a'))
    attribution.attribute(promise, call('/a', { statusCode: 201 }))
    for (const changes of [
      { day: '2026-11-24' },
      { statusCode: 404 },
      { statusCode: 500 },
      { aborted: true },
    ]) {
      attribution.attribute(promise, call('/a', changes))
    }
    attribution.attribute(promise, call('/b'))
    expect(attribution.stats().pending).toBe(1_006)
    answer({ userId: 'ann' })
    await attribution.settled()
    expect(counted.map(([, , route, times]) => [route, times])).toEqual([
      ['/a', 1_001],
      ['/a', 1],
      ['/a', 1],
      ['/a', 1],
      ['/a', 1],
      ['/b', 1],
    ])
    expect(attribution.stats().pending).toBe(0)
  })

  it('reports all calls that waited together under one reason', async () => {
    const { attribution, errors } = setUp()
    const promise = Promise.reject(new Error('database down'))
    for (let i = 0; i < 5; i++) attribution.attribute(promise, call('/a'))
    await attribution.settled()
    expect(attribution.stats()).toMatchObject({ pending: 0, unattributed: { rejected: 5 } })
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('(5 times.)')])
  })

  it('holds no more kinds of calls than it may, and still takes more of those it holds', async () => {
    const { attribution, counted } = setUp(2)
    const promise = Promise.resolve({ userId: 'ann' })
    for (const route of ['/a', '/b', '/c', '/a']) attribution.attribute(promise, call(route))
    expect(attribution.stats()).toMatchObject({ pending: 3, unattributed: { overloaded: 1 } })
    await attribution.settled()
    expect(counted).toEqual([
      ['ann', undefined, '/a', 2],
      ['ann', undefined, '/b', 1],
    ])
    attribution.attribute({ userId: 'bob' }, call('/c'))
    attribution.attribute(Promise.resolve({ userId: 'bob' }), call('/d'))
    await attribution.settled()
    expect(attribution.stats().unattributed.overloaded).toBe(1)
  })

  it('reports a reason again a minute later, with the number of calls since', async () => {
    const { attribution, clock, errors } = setUp()
    const cause = new Error('no session')
    for (let second = 0; second < 150; second++) {
      attribution.attribute(
        callIdentify(() => {
          throw cause
        }, {}),
        call('/a'),
      )
      await clock.advance(1_000)
    }
    expect(errors.map(({ message }) => /\((\d+) more since the last report\.\)/.exec(message)?.[1])).toEqual([
      undefined,
      '59',
      '59',
    ])
    expect(errors.every((error) => error.cause === cause)).toBe(true)
    expect(attribution.stats().unattributed.threw).toBe(150)
  })

  it('reports each kind of failure once, with its cause', async () => {
    const { attribution, errors } = setUp()
    const thrown = new Error('no session')
    for (let i = 0; i < 3; i++) {
      attribution.attribute(
        callIdentify(() => {
          throw thrown
        }, {}),
        call('/a'),
      )
      attribution.attribute('junk', call('/a'))
      attribution.attribute(null, call('/a'))
    }
    expect(attribution.stats().unattributed).toMatchObject({ threw: 3, invalid: 3, anonymous: 3 })
    expect(errors.map(({ code, cause }) => [code, cause])).toEqual([
      ['PXU_ERR_ATTRIBUTION_FAILED', thrown],
      ['PXU_ERR_ATTRIBUTION_FAILED', undefined],
    ])
  })
})

it('a result with a getter that throws is no identity, at once or promised', async () => {
  const { attribution, counted } = setUp()
  const broken = () => ({
    get userId(): string {
      throw new Error('lazy loading failed')
    },
  })
  attribution.attribute(broken(), call('/a'))
  attribution.attribute(Promise.resolve(broken()), call('/a'))
  await attribution.settled()
  expect(attribution.stats().unattributed.invalid).toBe(2)
  expect(counted).toEqual([])
})
