import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import {
  createMeter,
  type MeterOptions,
  memoryStore,
  type RejectedEvent,
  type UsageError,
  type WebhookBody,
  type WebhookOptions,
  webhookDelivery,
} from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { answer, type Step, startReceiver } from '../../support/scripted-receiver.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function linesOf(body: string): WebhookBody['data']['lines'] {
  return (JSON.parse(body) as WebhookBody).data.lines
}

/** Checks a signature as a receiver does, with code of its own. */
function isSigned({ headers }: IncomingMessage, body: string, key: string): boolean {
  const seconds = Number(headers['webhook-timestamp'])
  if (Math.abs(Date.now() / 1_000 - seconds) > 300) return false
  const hmac = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
  const expected = hmac.update(`${headers['webhook-id']}.${seconds}.${body}`).digest('base64')
  return String(headers['webhook-signature']).split(' ').includes(`v1,${expected}`)
}

/** A meter with a webhook, and one closed day of some users. */
async function setUp(
  steps: Step[],
  {
    users = 3,
    webhook = {},
    ...options
  }: { users?: number; webhook?: Partial<WebhookOptions> } & MeterOptions = {},
) {
  const receiver = await startReceiver(...steps)
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const errors: UsageError[] = []
  const meter = createMeter({
    clock,
    store: memoryStore(),
    rollups: [{ eventName: 'dailyApiCalls', by: 'identity' }],
    delivery: webhookDelivery({
      url: `${receiver.url}/hooks/catch/abc-123/?token=t0ken`,
      secret,
      ...webhook,
    }),
    onError: (error) => errors.push(error),
    ...options,
  })
  closers.push(receiver.close, () => meter.close({ timeoutMs: 0 }))
  for (let user = 0; user < users; user += 1) {
    const identity = { userId: `user ${user}` }
    meter.record({ identity, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  /** Lets time pass, and awaits the requests that it starts, because their claims expire after 5 minutes. */
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(60_000)
      while (meter.stats().delivery.state === 'sending')
        await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  await clock.advance(14 * 3_600_000)
  await pass(17)
  return { receiver, meter, errors, pass }
}

describe('webhookDelivery()', () => {
  it('sends the lines of a day in one signed request', async () => {
    const { receiver, meter } = await setUp([answer(200)], { users: 8, productKey: 'AP-WEBHOOK-2' })
    expect(receiver.bodies).toHaveLength(1)
    const [body = ''] = receiver.bodies
    const request = receiver.requests[0] as IncomingMessage
    expect(request).toMatchObject({ method: 'POST', url: '/hooks/catch/abc-123/?token=t0ken' })
    expect(request.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(request.headers).not.toHaveProperty('x-aptrinsic-api-key')
    expect(isSigned(request, body, secret)).toBe(true)
    expect(isSigned(request, `${body} `, secret)).toBe(false)
    expect(linesOf(body)).toHaveLength(8)
    expect(linesOf(body)[0]).toMatchObject({
      day: '2026-11-23',
      kind: 'event',
      body: { eventName: 'dailyApiCalls', identifyId: 'user 0', propertyKey: 'AP-WEBHOOK-2' },
    })
    expect(meter.stats().lines).toMatchObject({ closed: 8, delivered: 8 })
  })

  it('signs with two secrets while one replaces the other, and adds headers', async () => {
    const next = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
    const { receiver } = await setUp([answer(204)], {
      webhook: { secret: [secret, next], headers: { client_id: 'px-usage' } },
    })
    const [request, body] = [receiver.requests[0] as IncomingMessage, receiver.bodies[0] as string]
    expect([secret, next].map((key) => isSigned(request, body, key))).toEqual([true, true])
    expect(request.headers).toMatchObject({ client_id: 'px-usage' })
  })

  it('sends the same ids again after a lost reply, so that the receiver can ignore them', async () => {
    const lose: Step = (req) => void req.socket.destroy()
    const { receiver, meter, pass } = await setUp([lose, answer(200)])
    expect(meter.stats().lines).toMatchObject({ unconfirmed: 3, delivered: 0 })
    await pass(30)
    expect(meter.stats().lines).toMatchObject({ unconfirmed: 0, delivered: 3 })
    expect(meter.stats().delivery.possibleDuplicates).toBe(3)
    const [first = [], ...again] = receiver.bodies.map((body) => linesOf(body).map(({ id }) => id))
    expect(again.flat().sort()).toEqual(first.sort())
    expect(receiver.requests[0]?.headers['webhook-id']).toMatch(/^msg_[\w-]{27}$/)
  })

  it('waits as long as Retry-After says, and loses no line in an outage', async () => {
    const { receiver, meter, pass } = await setUp([
      answer(503, '', { 'retry-after': '600' }),
      answer(502, '<html>bad gateway</html>'),
      answer(200),
    ])
    await pass(5)
    expect(receiver.requests).toHaveLength(1)
    await pass(7)
    expect(receiver.requests).toHaveLength(2)
    expect(meter.stats().lines).toMatchObject({ unconfirmed: 3 })
    await pass(30)
    expect(meter.stats().lines).toMatchObject({ delivered: 3 })
  })

  it('finds the line that the receiver rejects, and delivers the others', async () => {
    const strict: Step = (_req, res, body) => {
      const isBad = linesOf(body).some(({ body: event }) => JSON.stringify(event).includes('"user 5"'))
      res.writeHead(isBad ? 422 : 200).end(isBad ? 'unknown user' : '')
    }
    const { receiver, meter, errors } = await setUp([strict], { users: 8 })
    expect(meter.stats().lines).toMatchObject({ closed: 8, delivered: 7, rejected: 1 })
    const rejected: RejectedEvent[] = []
    for await (const event of meter.rejected()) rejected.push(event)
    expect(rejected).toMatchObject([
      { userId: 'user 5', reason: expect.stringContaining('returned 422: unknown user') },
    ])
    expect(receiver.requests.length).toBeLessThanOrEqual(7)
    expect(errors.map(({ message }) => message).join()).toContain('The webhook refused the event')
  })

  it.each([
    [410, 'gone'],
    [401, 'secret'],
    [307, 'redirect'],
  ])('stops at %i and keeps every line, until it is repaired', async (status, text) => {
    const { receiver, meter, errors, pass } = await setUp([
      answer(status, '', { location: 'http://127.0.0.1:1/' }),
      answer(200),
    ])
    expect(receiver.requests).toHaveLength(1)
    expect(meter.stats().lines).toMatchObject({ pending: 3 })
    expect(meter.stats().delivery.stopped).toContain(String(status))
    expect(errors[0]?.code).toBe('PXU_ERR_DELIVERY_STOPPED')
    expect(errors[0]?.message).toContain(text)
    await pass(10)
    expect(meter.stats().lines).toMatchObject({ delivered: 3 })
  })

  it.each([
    ['signed by itself', certificates.selfSigned, /self-signed certificate/],
    ['of an unknown authority', certificates.good, /unable to verify the first certificate/],
  ])('stops at a certificate %s, names the cure and keeps every line', async (_, certificate, text) => {
    const server = createServer(certificate, () => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(async () => void server.close())
    const { port } = server.address() as AddressInfo
    const { meter, errors } = await setUp([], { webhook: { url: `https://127.0.0.1:${port}/hooks/abc-123` } })
    expect(meter.stats().lines).toMatchObject({ pending: 3 })
    expect(errors).toHaveLength(1)
    const { code, message } = errors[0] as UsageError
    expect(code).toBe('PXU_ERR_DELIVERY_STOPPED')
    expect(message).toContain(`The request to the webhook at https://127.0.0.1:${port} failed: `)
    expect(message).toMatch(text)
    expect(message).toContain('the certificates that Node trusts (NODE_EXTRA_CA_CERTS)')
    expect(message).not.toContain('abc-123')
  })

  it('holds the lines of a request that exceeds requestTimeoutMs', async () => {
    const { meter } = await setUp([() => {}], { requestTimeoutMs: 100 })
    expect(meter.stats().lines).toMatchObject({ unconfirmed: 3 })
    expect(meter.stats().delivery.lastError?.reason).toContain('not complete within 100 ms')
  })

  it('hides the secret, the headers and the path of the url from errors and from rejected()', async () => {
    const echo: Step = (req, res, body) => {
      res.writeHead(400).end(`${secret} ${req.url} ${req.headers.authorization} ${body.length}`)
    }
    const { meter, errors } = await setUp([echo], {
      users: 1,
      webhook: { headers: { authorization: 'Basic Zm9vOmJhcg==' } },
    })
    const texts = [...errors.map(({ message }) => message), meter.stats().delivery.lastError?.reason]
    for await (const { reason } of meter.rejected()) texts.push(reason)
    expect(texts).toHaveLength(3)
    for (const text of texts) {
      expect(text).toContain('returned 400: (hidden) (hidden) (hidden)')
      expect(text).not.toMatch(/whsec_|abc-123|t0ken|Zm9v/)
    }
  })

  it.each<[string, unknown]>([
    ['no url', { secret }],
    ['plain http', { url: 'http://hooks.example.com/abc-123', secret }],
    ['a password in the url', { url: 'https://ann:abc-123@hooks.example.com', secret }],
    ['no secret', { url: 'https://hooks.example.com/abc-123' }],
    ['a short secret', { url: 'https://hooks.example.com/abc-123', secret: 'short abc-123' }],
    ['an empty list of secrets', { url: 'https://hooks.example.com/abc-123', secret: [] }],
    ['a header with a line break', { url: 'https://hooks.example.com', secret, headers: { a: 'abc-123\n' } }],
    ['headers in a text', { url: 'https://hooks.example.com', secret, headers: 'abc-123' }],
    ['a text', 'https://hooks.example.com/abc-123'],
  ])('refuses %s without quoting it', (_what, options) => {
    const error = (() => {
      try {
        webhookDelivery(options as WebhookOptions)
        return undefined
      } catch (thrown) {
        return thrown as UsageError
      }
    })()
    expect(error?.code).toBe('PXU_ERR_OPTIONS_INVALID')
    expect(error?.message).not.toMatch(/abc-123|whsec_/)
  })

  it('refuses an option that it does not know', () => {
    const options = { url: 'https://hooks.example.com', secret, header: {} }
    expect(() => webhookDelivery(options)).toThrow('header')
  })
})
