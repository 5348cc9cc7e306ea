import { expect, it } from 'vitest'
import { webhookResult } from '../../../packages/core/src/webhook/webhook-result.ts'

const origin = 'https://hooks.example.com'

function of(status: number, body = '', retryAfter?: string) {
  return webhookResult({ received: true, status, retryAfter, body, isComplete: true }, origin, 0)
}

it.each([
  [200, 'delivered'],
  [202, 'delivered'],
  [204, 'delivered'],
  [301, 'stopped'],
  [307, 'stopped'],
  [400, 'rejected'],
  [401, 'stopped'],
  [403, 'stopped'],
  [404, 'stopped'],
  [405, 'stopped'],
  [408, 'unconfirmed'],
  [410, 'stopped'],
  [413, 'rejected'],
  [422, 'rejected'],
  [429, 'retryable'],
  [500, 'unconfirmed'],
  [502, 'unconfirmed'],
  [503, 'retryable'],
  [504, 'unconfirmed'],
])('a response %i makes the lines %s', (status, outcome) => {
  expect(of(status).outcome).toBe(outcome)
})

it('honours Retry-After of 429 and 503', () => {
  expect(of(429, '', '7')).toMatchObject({ outcome: 'retryable', afterMs: 7_000 })
  expect(of(503, '', '60')).toMatchObject({ outcome: 'retryable', afterMs: 60_000 })
  expect(of(503)).not.toHaveProperty('afterMs')
})

it('says what to check when nothing can be sent', () => {
  expect(of(401)).toMatchObject({ advice: 'Check the secret.' })
  expect(of(410)).toMatchObject({ advice: 'The webhook is gone. Check its url.' })
  expect(of(302)).toMatchObject({
    reason: 'The webhook at https://hooks.example.com returned 302, a redirect, which is not followed.',
  })
})

it('quotes what the receiver said, on one line, but no HTML page', () => {
  expect(of(422, 'no field\n"day"')).toMatchObject({
    reason: 'The webhook at https://hooks.example.com returned 422: no field "day"',
  })
  expect(of(500, '<html>')).toMatchObject({
    reason: 'The webhook at https://hooks.example.com returned 500 with an HTML page.',
  })
})

it('retries what was not sent, holds what may have been, and stops at a bad certificate', () => {
  const failed = (code: string, maybeSent: boolean) => {
    const error = Object.assign(new Error(`failed with ${code}`), { code })
    return webhookResult({ received: false, error, maybeSent }, origin, 0)
  }
  expect(failed('ECONNREFUSED', false)).toEqual({
    outcome: 'retryable',
    reason: 'The request to the webhook at https://hooks.example.com failed: failed with ECONNREFUSED.',
  })
  expect(failed('ECONNRESET', true).outcome).toBe('unconfirmed')
  expect(failed('CERT_HAS_EXPIRED', false)).toMatchObject({
    outcome: 'stopped',
    advice: 'Check its url and the certificates that Node trusts (NODE_EXTRA_CA_CERTS).',
  })
})
