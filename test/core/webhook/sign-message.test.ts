import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { signMessage } from '../../../packages/core/src/webhook/sign-message.ts'

const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }

it('signs as the example of Standard Webhooks', () => {
  expect(signMessage(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

it('has one signature for each secret, and takes a text that is not whsec_ as the key itself', () => {
  const [first, second] = signMessage(message, [
    'a secret of the receiver',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ])['webhook-signature'].split(' ')
  const hmac = createHmac('sha256', 'a secret of the receiver')
  hmac.update(`${message.id}.${message.timestamp}.${message.body}`)
  expect(first).toBe(`v1,${hmac.digest('base64')}`)
  expect(second).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
