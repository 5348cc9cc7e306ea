import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resultOfAnswer, resultOfError } from '../../../packages/core/src/delivery/delivery-result.ts'
import { retryDelayMs } from '../../../packages/core/src/delivery/retry-schedule.ts'

const now = Date.parse('2026-11-24T00:00:00Z')

describe('an answer of PX means', () => {
  it.each([
    ['delivered', [201]],
    ['unknown', [200, 202, 204, 408, 500, 502, 503, 504]],
    ['stopped', [301, 302, 307, 308, 401, 403, 404, 405]],
    ['rejected', [400, 413, 422]],
    ['retryable', [429]],
  ] as const)('%s for %j', (outcome, statuses) => {
    for (const status of statuses) expect(resultOfAnswer(status, undefined, '', now).outcome).toBe(outcome)
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
    expect(resultOfAnswer(429, header, '', now)).toMatchObject({ outcome: 'retryable', afterMs })
  })
})

describe('an error means', () => {
  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'])(
    'certainly not sent for %s',
    (code) => expect(resultOfError(Object.assign(new Error('x'), { code })).outcome).toBe('retryable'),
  )
  it.each(['ECONNRESET', 'EPIPE', 'UND_ERR_HEADERS_TIMEOUT', undefined])('unknown for %s', (code) => {
    expect(resultOfError(Object.assign(new Error('x'), { code })).outcome).toBe('unknown')
  })
})

it('the wait for the next attempt grows to five minutes, with jitter, and is always a usable delay', () => {
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
