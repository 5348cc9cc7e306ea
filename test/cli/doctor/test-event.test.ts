import type { PxRequest, PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { sendTestEvent, writeUnknown } from '../../../packages/cli/src/doctor/test-event.ts'

async function send(response: PxResponse) {
  const sent: PxRequest[] = []
  const client = {
    async request(request: PxRequest) {
      sent.push(request)
      return response
    },
  }
  const check = await sendTestEvent(client, { productKey: 'AP-A-2', nowMs: 5, day: '1970-01-01' })
  return { sent, check }
}

test('one event is sent, once, whatever becomes of it', async () => {
  const lost: PxResponse = { received: false, error: new Error('cut'), maybeSent: true }
  const { sent, check } = await send(lost)
  expect(sent).toHaveLength(1)
  expect(JSON.parse(sent[0]?.body ?? '')).toMatchObject({ eventName: 'pxUsageTest', date: 5 })
  expect(check.verdict).toBe('unknown')
})

test.each([
  [201, 'ok'],
  [400, 'failure'],
  [403, 'failure'],
  [429, 'unknown'],
  [503, 'unknown'],
])('a response %i is %s', async (status, verdict) => {
  const { check } = await send({ received: true, status, body: '', isComplete: true, retryAfter: undefined })
  expect(check.verdict).toBe(verdict)
})

test('without a test event the permission is not guessed', () => {
  expect(writeUnknown()).toMatchObject({ verdict: 'unknown' })
})
