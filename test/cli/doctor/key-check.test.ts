import { expect, test } from 'vitest'
import { checkAccess, checkKeyForm, objectIn } from '../../../packages/cli/src/doctor/key-check.ts'

const received = (status: number, body: string) =>
  checkAccess(
    { received: true, status, body, isComplete: true, retryAfter: undefined },
    { baseUrl: 'https://api.aptrinsic.com', elsewhere: [], nowMs: 0 },
  )

test('the text of the vendor for an unknown key shows that the key, not its permission, is wrong', () => {
  const body = '{"message":"Authentication failed in loginAwareAuthentication"}'
  expect(received(401, body).checks.at(-1)?.found).toBe('PX does not know the key (401).')
  expect(received(401, '').checks.at(-1)?.found).toContain('does not say whether')
})

test('a certificate that Node.js does not trust has its own cure', () => {
  const error = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  const { checks } = checkAccess(
    { received: false, error, maybeSent: false },
    { baseUrl: 'https://proxy.example', elsewhere: [], nowMs: 0 },
  )
  expect(checks[0]?.cure).toContain('NODE_EXTRA_CA_CERTS')
})

test('a key of the right form is left to PX', () => {
  expect(checkKeyForm('0b1c', 'AP-X-2')).toBeUndefined()
  expect(checkKeyForm('AP-X-2', 'AP-Y-2')?.cure).toContain('Administration > REST API')
  expect(checkKeyForm('AP-X-2', '0b1c')?.cure).toContain('Swap')
})

test('only a JSON object is one', () => {
  expect([objectIn('{"a":1}'), objectIn('[]'), objectIn('null'), objectIn('<')]).toEqual([
    { a: 1 },
    undefined,
    undefined,
    undefined,
  ])
})
