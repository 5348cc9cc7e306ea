import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rateLimitDelayMs, retryDelayMs } from '../../../packages/core/src/delivery/retry-schedule.ts'
import { type PxResponse, resultOf } from '../../../packages/core/src/px/delivery-result.ts'

const now = Date.parse('2026-11-24T00:00:00Z')

function received(status: number, retryAfter?: string, body = ''): PxResponse {
  return { received: true, status, retryAfter, body, isComplete: true }
}

function failed(code: string | undefined, maybeSent: boolean): PxResponse {
  return { received: false, error: Object.assign(new Error('x'), { code }), maybeSent }
}

describe('a reply of PX means', () => {
  it.each([
    ['delivered', [201]],
    ['unconfirmed', [200, 202, 204, 408, 500, 502, 503, 504]],
    ['stopped', [301, 302, 307, 308, 401, 403, 404, 405]],
    ['rejected', [400, 413, 422]],
    ['retryable', [429]],
  ] as const)('%s for %j', (outcome, statuses) => {
    for (const status of statuses) expect(resultOf(received(status), now).outcome).toBe(outcome)
  })

  it.each([
    ['5', 5_000],
    [' 5 ', 5_000],
    ['Tue, 24 Nov 2026 00:02:00 GMT', 120_000],
    ['Mon, 23 Nov 2026 00:00:00 GMT', 1_000],
    ['1000000000000', 3_600_000],
    ['0', 1_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('waiting for Retry-After %j', (header, afterMs) => {
    expect(resultOf(received(429, header), now)).toMatchObject({ outcome: 'retryable', afterMs })
  })
})

describe('an error means', () => {
  it.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'ECONNRESET',
    'EPROTO',
    undefined,
  ])('certainly not sent for %s before a request could be written', (code) =>
    expect(resultOf(failed(code, false), now).outcome).toBe('retryable'),
  )
  it.each([
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('that the operator must act for %s', (code) => {
    expect(resultOf(failed(code, false), now).outcome).toBe('stopped')
  })
  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', undefined])('unconfirmed for %s after that', (code) => {
    expect(resultOf(failed(code, true), now).outcome).toBe('unconfirmed')
  })
})

it('a reason is one line without control characters, and short', () => {
  const { reason } = resultOf(
    received(400, undefined, `no\r\n\u0000\u001b[31m${'x'.repeat(9_000)}`),
    now,
  ) as {
    reason: string
  }
  expect(reason).toMatch(/^PX returned 400: no \[31mx+$/)
  expect(reason.length).toBeLessThan(2_100)
})

it('the wait after a 429 is what PX asks for, else 30 seconds that double up to 15 minutes', () => {
  expect(rateLimitDelayMs(5_000, 9)).toBe(5_000)
  const waits = [1, 2, 3, 6, 1_000].map((times) => rateLimitDelayMs(undefined, times, () => 0))
  expect(waits).toEqual([30_000, 60_000, 120_000, 900_000, 900_000])
  expect(rateLimitDelayMs(undefined, 1, () => 1)).toBe(37_500)
})

it('the wait for the next attempt grows to five minutes, with jitter, and is a usable delay', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempt, random) => {
        const delay = retryDelayMs(attempt, () => random)
        expect(delay).toBeGreaterThanOrEqual(500)
        expect(delay).toBeLessThanOrEqual(300_000)
      },
    ),
  )
  expect(retryDelayMs(20, () => 1)).toBe(300_000)
})
