import { inspect } from 'node:util'
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../packages/core/src/clock.ts'
import { type DeliveryResult, resultOf } from '../../../packages/core/src/px/delivery-result.ts'
import { createPxClient, type PxClient } from '../../../packages/core/src/px/px-client.ts'
import { answer, type ScriptedReceiver, type Step, startReceiver } from '../../support/scripted-receiver.ts'

const apiKey = 'very-secret-key'
let receiver: ScriptedReceiver
let client: PxClient

async function post(step: Step, timeoutMs = 5_000) {
  receiver = await startReceiver(step)
  client = createPxClient({
    baseUrl: receiver.url,
    apiKey: () => apiKey,
    dispatcher: undefined,
    timeoutMs,
    clock: systemClock,
  })
  return postEvent('{"eventName":"dailyApiCalls"}')
}

async function postEvent(body: string): Promise<DeliveryResult> {
  return resultOf(await client.request({ method: 'POST', path: '/v1/events/custom', body }), Date.now())
}

afterEach(async () => {
  await client.close()
  await receiver.close()
})

describe.each([
  ['undici', (globalThis as { WebAssembly?: unknown }).WebAssembly],
  ["Node's own client, as undici needs WebAssembly", undefined],
])('request() by %s', (_how, webAssembly) => {
  beforeEach(() => void vi.stubGlobal('WebAssembly', webAssembly))
  afterEach(() => void vi.unstubAllGlobals())

  it('posts the frozen body with the key in its header, and takes 201 for delivered', async () => {
    expect(await post(answer(201))).toEqual({ outcome: 'delivered' })
    expect(receiver.bodies).toEqual(['{"eventName":"dailyApiCalls"}'])
    const [req] = receiver.requests
    expect([req?.method, req?.url]).toEqual(['POST', '/v1/events/custom'])
    expect(req?.headers).toMatchObject({ 'x-aptrinsic-api-key': apiKey, 'content-type': 'application/json' })
  })

  it('takes 201 for delivered whatever its body is', async () => {
    expect(await post(answer(201, '<html>{'))).toEqual({ outcome: 'delivered' })
  })

  it('reports the reply of PX when it refuses an event', async () => {
    const result = await post(answer(400, '{"externalapierror":{"status":"BAD_REQUEST"}}'))
    expect(result).toEqual({
      outcome: 'rejected',
      reason: 'PX returned 400: {"externalapierror":{"status":"BAD_REQUEST"}}',
    })
  })

  it.each([301, 302, 307, 308])('does not follow a %d', async (status) => {
    expect(await post(answer(status, '', { location: '/elsewhere' }))).toMatchObject({ outcome: 'stopped' })
    expect(receiver.requests).toHaveLength(1)
  })

  it('returns unconfirmed for a request that gets no reply', async () => {
    expect(await post(() => {}, 100)).toMatchObject({ outcome: 'unconfirmed' })
  })

  it('does not know what became of a request that was reset after it was read', async () => {
    expect(await post((req) => req.socket.destroy())).toMatchObject({ outcome: 'unconfirmed' })
  })

  it('returns that nothing was sent when no server listens', async () => {
    expect(await post(answer(201))).toMatchObject({ outcome: 'delivered' })
    await client.close()
    await receiver.close()
    expect(await postEvent('{}')).toMatchObject({ outcome: 'retryable' })
  })

  it('reads a little of a giant body only', async () => {
    const result = await post((_req, res) => {
      res.writeHead(400)
      res.on('error', () => {})
      const write = () => {
        while (!res.destroyed && res.write('x'.repeat(65_536))) {}
        if (!res.destroyed) res.once('drain', write)
      }
      write()
    })
    expect(result.outcome).toBe('rejected')
    expect((result as { reason: string }).reason.length).toBeLessThan(2_200)
  })

  it('asks for no compression, and never shows the key of a body that comes compressed', async () => {
    const said = `your key ${apiKey} is wrong`
    for (const [encoding, packed] of [
      ['gzip', gzipSync(said)],
      ['deflate', deflateRawSync(said)],
      ['br', brotliCompressSync(said)],
      ['', gzipSync(said)],
      ['', Buffer.from(said, 'utf16le')],
    ] as const) {
      const result = await post(
        (_req, res) =>
          void res.writeHead(400, encoding === '' ? {} : { 'content-encoding': encoding }).end(packed),
      )
      expect(result).toEqual({
        outcome: 'rejected',
        reason: 'PX returned 400: your key (API key) is wrong',
      })
      expect(receiver.requests[0]?.headers['accept-encoding']).toBe('identity')
      await client.close()
      await receiver.close()
    }
    const unknown = await post(
      (_req, res) => void res.writeHead(400, { 'content-encoding': 'zstd' }).end(said),
    )
    expect(unknown).toEqual({
      outcome: 'rejected',
      reason: `PX at ${receiver.url}/v1 returned 400 with a body that is compressed with "zstd".`,
    })
  })

  it('compares a date in Retry-After with the date of the reply, not with its own clock', async () => {
    const result = await post(
      answer(429, '', {
        date: 'Tue, 24 Nov 2026 00:00:00 GMT',
        'retry-after': 'Tue, 24 Nov 2026 00:02:00 GMT',
      }),
    )
    expect(result).toMatchObject({ outcome: 'retryable', afterMs: 120_000 })
  })

  it('never shows the key, even if PX repeats it', async () => {
    const result = await post(answer(400, `your key ${apiKey} is fine`))
    for (let at = 2_000; at < 2_060; at += 7) {
      await client.close()
      await receiver.close()
      const { outcome, ...rest } = await post(answer(400, `${'x'.repeat(at)}${apiKey}`))
      expect(outcome).toBe('rejected')
      expect(JSON.stringify(rest)).not.toContain(apiKey.slice(0, 5))
    }
    expect(inspect([result, client], { depth: 9, showHidden: true })).not.toContain(apiKey)
  })
})
