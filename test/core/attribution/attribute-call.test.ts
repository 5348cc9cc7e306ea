import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { askIdentify, createAttribution } from '../../../packages/core/src/attribution/attribute-call.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { UsageError } from '../../../packages/core/src/errors.ts'

function setUp(maxPending = 10) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const counted: Array<[string, string | undefined, string]> = []
  const errors: UsageError[] = []
  const attribution = createAttribution<string>({
    clock,
    diagnostics: createDiagnostics((error) => errors.push(error)),
    timeoutMs: 1_000,
    maxPending,
    count: ({ userId, accountId }, held) => counted.push([userId, accountId, held]),
  })
  return { clock, counted, errors, attribution }
}

describe('attribute()', () => {
  it('counts a sync answer at once', () => {
    const { attribution, counted } = setUp()
    attribution.attribute({ userId: 7, accountId: 'acme' }, 'call')
    expect(counted).toEqual([['7', 'acme', 'call']])
    expect(attribution.stats().pending).toBe(0)
  })

  it('counts a promised answer when it comes', async () => {
    const { attribution, counted } = setUp()
    attribution.attribute(Promise.resolve({ userId: 'ann' }), 'call')
    expect(counted).toEqual([])
    expect(attribution.stats().pending).toBe(1)
    await attribution.settled()
    expect(counted).toEqual([['ann', undefined, 'call']])
  })

  it('gives up an answer that does not come, and ignores it when it comes later', async () => {
    const { attribution, counted, clock } = setUp()
    let answer: (identity: object) => void = () => {}
    attribution.attribute(new Promise((resolve) => (answer = resolve)), 'call')
    await clock.advance(1_000)
    expect(attribution.stats()).toMatchObject({ pending: 0, unattributed: { timedOut: 1 } })
    answer({ userId: 'ann' })
    await clock.advance(1)
    expect(counted).toEqual([])
  })

  it('awaits no more answers than it may', async () => {
    const { attribution, clock } = setUp(2)
    for (let i = 0; i < 3; i++) attribution.attribute(new Promise(() => {}), 'call')
    attribution.attribute(Promise.reject(new Error('nobody listens')), 'call')
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
    attribution.attribute(brokenThen, 'first')
    attribution.attribute(twice, 'second')
    await attribution.settled()
    expect(counted).toEqual([['a', undefined, 'second']])
    expect(attribution.stats().unattributed.invalid).toBe(1)
  })

  it('tells each kind of failure once, with its cause', async () => {
    const { attribution, errors } = setUp()
    const thrown = new Error('no session')
    for (let i = 0; i < 3; i++) {
      attribution.attribute(
        askIdentify(() => {
          throw thrown
        }, {}),
        'call',
      )
      attribution.attribute('junk', 'call')
      attribution.attribute(null, 'call')
    }
    expect(attribution.stats().unattributed).toMatchObject({ threw: 3, invalid: 3, anonymous: 3 })
    expect(errors.map(({ code, cause }) => [code, cause])).toEqual([
      ['PXU_ERR_ATTRIBUTION_FAILED', thrown],
      ['PXU_ERR_ATTRIBUTION_FAILED', undefined],
    ])
  })
})

it('an answer with a getter that throws is no identity, at once or promised', async () => {
  const { attribution, counted } = setUp()
  const broken = () => ({
    get userId(): string {
      throw new Error('lazy loading failed')
    },
  })
  attribution.attribute(broken(), 'call')
  attribution.attribute(Promise.resolve(broken()), 'call')
  await attribution.settled()
  expect(attribution.stats().unattributed.invalid).toBe(2)
  expect(counted).toEqual([])
})
