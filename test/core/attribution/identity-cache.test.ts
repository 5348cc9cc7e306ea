import { inspect } from 'node:util'
import { fakeClock } from '@px-usage/core/testing'
import { describe, expect, it } from 'vitest'
import { IdentifyFailure } from '../../../packages/core/src/attribution/identify.ts'
import {
  createIdentityCache,
  type IdentityCacheSettings,
  isLookup,
  type Lookup,
} from '../../../packages/core/src/attribution/identity-cache.ts'

type FreeLookup = (credential: string, options: { signal: AbortSignal }) => unknown

function setUp(lookup: FreeLookup, settings: Partial<IdentityCacheSettings> = {}) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const lookedUp: string[] = []
  const cache = createIdentityCache({
    lookup: ((credential, options) => {
      lookedUp.push(credential)
      return lookup(credential, options)
    }) as Lookup,
    ...{ max: 100, ttlMs: 60_000, negativeTtlMs: 5_000, timeoutMs: 1_000, clock },
    ...settings,
  })
  return { clock, lookedUp, cache }
}

const userOf = (credential: string) => Promise.resolve({ userId: `user of ${credential}` })
const never = () => new Promise<never>(() => {})

describe('identityOf()', () => {
  it('shares one promise among the callers during a lookup, and marks it as a lookup', async () => {
    const { cache, lookedUp } = setUp(userOf)
    const first = cache.identityOf('k1') as Promise<unknown>
    expect(cache.identityOf('k1')).toBe(first)
    expect(isLookup(first)).toBe(true)
    expect(isLookup(Promise.resolve())).toBe(false)
    expect(await first).toEqual({ userId: 'user of k1' })
    expect(lookedUp).toEqual(['k1'])
  })

  it('returns the object that the lookup resolved to, frozen, until it expires', async () => {
    const { cache, clock, lookedUp } = setUp(userOf)
    const found = await cache.identityOf('k1')
    expect(Object.isFrozen(found)).toBe(true)
    await clock.advance(60_000)
    expect(cache.identityOf('k1')).toBe(found)
    expect(lookedUp).toHaveLength(1)
    await clock.advance(1)
    expect(cache.identityOf('k1')).toBe(found)
    expect(lookedUp).toHaveLength(2)
  })

  it('looks a sync result up as it does a promise', async () => {
    const { cache } = setUp(() => ({ userId: 7, accountId: 'acme' }))
    expect(await cache.identityOf('k1')).toEqual({ userId: '7', accountId: 'acme' })
    expect(cache.identityOf('k1')).toEqual({ userId: '7', accountId: 'acme' })
  })

  it.each([null, undefined, '', false])('remembers for negativeTtlMs that %j is no user', async (nothing) => {
    const { cache, clock, lookedUp } = setUp(() => nothing)
    expect(await cache.identityOf('k1')).toBeUndefined()
    await clock.advance(5_000)
    expect(cache.identityOf('k1')).toBeUndefined()
    expect(lookedUp).toHaveLength(1)
    await clock.advance(1)
    expect(await cache.identityOf('k1')).toBeUndefined()
    expect(lookedUp).toHaveLength(2)
  })

  it('remembers a failure for negativeTtlMs by its reason, without its error', async () => {
    const { cache, clock, lookedUp } = setUp(() => Promise.reject(new Error('no database')))
    expect(await cache.identityOf('k1')).toMatchObject({
      reason: 'rejected',
      error: { message: 'no database' },
    })
    const remembered = cache.identityOf('k1')
    expect(remembered).toBeInstanceOf(IdentifyFailure)
    expect(remembered).toMatchObject({ reason: 'rejected', error: undefined })
    await clock.advance(5_001)
    await cache.identityOf('k1')
    expect(lookedUp).toHaveLength(2)
  })

  it('keeps an identity that an earlier lookup found while later ones fail', async () => {
    let isDown = false
    const { cache, clock, lookedUp } = setUp((key) =>
      isDown ? Promise.reject(new Error('down')) : userOf(key),
    )
    const found = await cache.identityOf('k1')
    isDown = true
    await clock.advance(60_001)
    for (let i = 0; i < 3; i++) {
      expect(cache.identityOf('k1')).toBe(found)
      await clock.advance(5_001)
    }
    expect(lookedUp).toHaveLength(4)
  })

  it('gives an identity up when a lookup finds no user', async () => {
    let isRevoked = false
    const { cache, clock } = setUp((key) => (isRevoked ? undefined : userOf(key)))
    await cache.identityOf('k1')
    isRevoked = true
    await clock.advance(60_001)
    expect(cache.identityOf('k1')).toEqual({ userId: 'user of k1' })
    await clock.advance(1)
    expect(cache.identityOf('k1')).toBeUndefined()
  })
})

describe('a lookup', () => {
  it('that exceeds timeoutMs is aborted, and its late result is ignored', async () => {
    let resolveLate: (identity: object) => void = () => {}
    let signal: AbortSignal | undefined
    const { cache, clock } = setUp((_key, options) => {
      signal = options.signal
      return new Promise((resolve) => (resolveLate = resolve))
    })
    const pending = cache.identityOf('k1') as Promise<unknown>
    await clock.advance(999)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(signal?.aborted).toBe(true)
    expect(await pending).toMatchObject({ reason: 'timedOut' })
    resolveLate({ userId: 'ann' })
    await clock.advance(1)
    expect(cache.identityOf('k1')).toMatchObject({ reason: 'timedOut' })
  })

  it('is not aborted once it has resolved', async () => {
    let signal: AbortSignal | undefined
    const { cache, clock } = setUp((key, options) => {
      signal = options.signal
      return userOf(key)
    })
    await cache.identityOf('k1')
    await clock.advance(10_000)
    expect(signal?.aborted).toBe(false)
  })

  it('is not started while max others run, and a known identity stays in use then', async () => {
    let isHanging = false
    const { cache, clock, lookedUp } = setUp((key) => (isHanging ? never() : userOf(key)), { max: 2 })
    const found = await cache.identityOf('k1')
    isHanging = true
    await clock.advance(60_001)
    void cache.identityOf('k2')
    void cache.identityOf('k3')
    expect(cache.identityOf('k4')).toMatchObject({ reason: 'overloaded' })
    expect(cache.identityOf('k1')).toBe(found)
    expect(lookedUp).toEqual(['k1', 'k2', 'k3'])
    await clock.advance(1_000)
    void cache.identityOf('k4')
    expect(lookedUp).toEqual(['k1', 'k2', 'k3', 'k4'])
  })

  it('that throws, or returns an invalid identity, resolves to a failure', async () => {
    const thrown = setUp(() => {
      throw new TypeError('no database')
    })
    expect(await thrown.cache.identityOf('k1')).toMatchObject({
      reason: 'threw',
      error: { name: 'TypeError' },
    })
    const invalid = setUp(() => ({ id: 'ann' }))
    expect(await invalid.cache.identityOf('k1')).toMatchObject({
      reason: 'invalid',
      fault: expect.stringContaining('id'),
    })
  })
})

describe('the cache', () => {
  it('removes the least recently used of more than max credentials', async () => {
    const { cache, lookedUp } = setUp(userOf, { max: 2 })
    for (const key of ['k1', 'k2', 'k1', 'k3', 'k1', 'k2']) await cache.identityOf(key)
    expect(lookedUp).toEqual(['k1', 'k2', 'k3', 'k2'])
  })

  it('has no credential in a failure or in memory that can be inspected', async () => {
    const credential = 'sk_live_4f9a8b7c6d5e'
    const leaks: FreeLookup[] = [
      () => Promise.reject(new Error(`no row for ${credential}`)),
      () => {
        throw new Error(`no row for ${credential}`)
      },
      () => ({ [credential]: 'ann' }),
    ]
    for (const lookup of leaks) {
      const { cache } = setUp(lookup)
      const failure = await cache.identityOf(credential)
      expect(failure).toBeInstanceOf(IdentifyFailure)
      expect(inspect([cache, failure], { depth: 20, showHidden: true })).not.toContain('4f9a8b7c')
    }
  })

  it('copies at most one error a second, because each copy takes time', async () => {
    const { cache, clock } = setUp(() => Promise.reject(new Error('down')))
    const errorOf = async (key: string) => ((await cache.identityOf(key)) as IdentifyFailure).error
    expect(await errorOf('k1')).toMatchObject({ message: 'down' })
    expect(await errorOf('k2')).toBeUndefined()
    await clock.advance(999)
    expect(await errorOf('k3')).toBeUndefined()
    await clock.advance(1)
    expect(await errorOf('k4')).toMatchObject({ message: 'down' })
  })
})
