import type { PxResponse } from '@px-usage/core/adapter'
import { describe, expect, it, test } from 'vitest'
import { connectPx, connectToPx, pxAddress } from '../../../packages/cli/src/px/px-connection.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'

const response = (status: number, retryAfter?: string): PxResponse => ({
  received: true,
  status,
  retryAfter,
  body: '',
  isComplete: true,
})
const broken = (code: string): PxResponse => ({
  received: false,
  error: Object.assign(new Error(code), { code }),
  maybeSent: true,
})

function connect(responses: PxResponse[], retry = true) {
  const waits: number[] = []
  const client = {
    request: async () => responses.shift() ?? response(200),
    close: async () => {},
  }
  const wait = async (ms: number) => void waits.push(ms)
  return { px: connectPx({ baseUrl: 'https://px', apiKey: 'k', retry }, { client, wait }), waits }
}

describe('a connection', () => {
  it('repeats a request while PX is busy or the connection breaks, and counts each', async () => {
    const { px, waits } = connect([response(429, '10'), response(503), broken('ECONNRESET')])
    expect(await px.get('/v1/x')).toMatchObject({ status: 200 })
    expect([waits, px.requests]).toEqual([[10_000, 5_000, 30_000], 4])
  })

  it('gives up after three repeats, and does not repeat what cannot succeed', async () => {
    const { px } = connect([500, 500, 500, 502].map((status) => response(status)))
    expect(await px.get('/v1/x')).toMatchObject({ status: 502 })
    for (const lasting of [response(401), response(400), broken('ENOTFOUND')]) {
      const { px, waits } = connect([lasting])
      expect([await px.get('/v1/x'), waits]).toEqual([lasting, []])
    }
  })

  it('returns the first response without retry', async () => {
    expect(await connect([response(503)], false).px.get('/v1/x')).toMatchObject({ status: 503 })
  })
})

test.each([
  [{ flags: {}, env: {} }, 'https://api.aptrinsic.com'],
  [{ flags: {}, env: { PX_REGION: 'EU' } }, 'https://api-eu.aptrinsic.com'],
  [{ flags: {}, env: { PX_BASE_URL: 'http://localhost:7070/v1', PX_REGION: 'eu' } }, 'http://localhost:7070'],
  [
    { flags: { region: 'us2' }, env: { PX_BASE_URL: 'http://localhost:7070' } },
    'https://api-us2.aptrinsic.com',
  ],
])('the address by %j is %s', (given, address) => {
  expect(pxAddress(parseSettings({ ...given, file: undefined, cwd: '/' }))).toBe(address)
})

test('an address that cannot be used ends with exit code 2', () => {
  for (const flags of [{ region: 'asia' }, { baseUrl: 'http://px.example' }]) {
    const settings = parseSettings({ flags, env: {}, file: undefined, cwd: '/' })
    expect(() => pxAddress(settings)).toThrow(expect.objectContaining({ exitCode: 2 }))
  }
})

test('a command without an API key ends with exit code 2', () => {
  const settings = parseSettings({ flags: {}, env: {}, file: undefined, cwd: '/' })
  expect(() => connectToPx(settings)).toThrow(expect.objectContaining({ exitCode: 2 }))
})
