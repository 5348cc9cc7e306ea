import { createHash } from 'node:crypto'
import { systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { refuseUnknown } from '../model/check-options.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import { isLoopback } from '../px/px-address.ts'
import { createPxClient } from '../px/px-client.ts'
import type { BatchDelivery } from './batch-delivery.ts'
import { signMessage } from './sign-message.ts'
import { webhookResult } from './webhook-result.ts'

/** The options of `webhookDelivery()`. */
export interface WebhookOptions {
  /** Address of the receiver; https, except to this machine. */
  url: string
  /**
   * Key of the signature, of at least 16 characters: `whsec_` and base64, or any other text. With a list each message has one signature
   * for each secret, so that a secret can be replaced.
   */
  secret: string | readonly string[]
  /** Further headers of each request, such as those that a gateway requires. @default none */
  headers?: Readonly<Record<string, string>> | undefined
}

/** The body of a request. */
export interface WebhookBody {
  type: 'px_usage.lines'
  data: {
    lines: {
      /** The same each time the line is sent. A receiver ignores an id that it has processed. */
      id: string
      day: string
      /** What `body` is for in the REST API of PX: an event, or attributes of a user or an account. */
      kind: OutboxLine['kind']
      body: unknown
    }[]
  }
}

const fewestCharacters = 16
/** A request of 100 lines has about 50 KB. */
const mostLines = 100

/**
 * Creates a delivery to an HTTP step of MuleSoft, Boomi, Zapier, Workato or a service of your own, for the option `delivery`. Lines come in
 * batches, signed as Standard Webhooks specifies (standardwebhooks.com). Any 2xx means that the receiver has all lines of the request.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for an invalid option; the message never contains the secret or the path of the url
 */
export function webhookDelivery(options: WebhookOptions): BatchDelivery {
  const given: Partial<WebhookOptions> = isRecord(options) ? options : {}
  refuseUnknown(given, ['url', 'secret', 'headers'])
  const { origin, pathname, search } = parseUrl(given.url)
  const path = `${pathname}${search}`
  const secrets = parseSecrets(given.secret)
  const headers = parseHeaders(given.headers)
  const hidden = [...secrets, ...Object.values(headers), path].filter((text) => text.length > 3)

  return {
    receiver: 'The webhook',
    mostLines,
    connect({ dispatcher, requestTimeoutMs }) {
      const client = createPxClient({
        baseUrl: origin,
        apiKey: () => '',
        authenticate: (_key, body = '') => ({ ...headers, ...signMessage(message(body), secrets) }),
        dispatcher,
        timeoutMs: requestTimeoutMs,
        clock: systemClock,
      })
      return {
        async send(lines) {
          const response = await client.request({ method: 'POST', path, body: bodyOf(lines) })
          const result = webhookResult(response, origin, systemClock.now())
          return 'reason' in result ? { ...result, reason: without(hidden, result.reason) } : result
        },
        abort: client.close,
      }
    },
  }
}

function bodyOf(lines: readonly OutboxLine[]): string {
  const body: WebhookBody = {
    type: 'px_usage.lines',
    data: {
      lines: lines.map(({ id, day, kind, body }) => ({ id, day, kind, body: JSON.parse(body) as unknown })),
    },
  }
  return JSON.stringify(body)
}

/** The id is made of the body, so a request that is sent again has the same one. */
function message(body: string) {
  const id = `msg_${createHash('sha256').update(body).digest('base64url').slice(0, 27)}`
  return { id, timestamp: Math.floor(systemClock.now() / 1_000), body }
}

/** Removes texts that a receiver may have repeated in its reply. */
function without(hidden: readonly string[], text: string): string {
  return hidden.reduce((clean, secret) => clean.replaceAll(secret, '(hidden)'), text)
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(text: string): UsageError {
  return new UsageError('PXU_ERR_OPTIONS_INVALID', `webhookDelivery() got ${text}`)
}

function parseUrl(given: unknown): URL {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  // The address is not quoted, because its path or query may be a secret.
  if (url === undefined) throw invalid('a url that is no absolute URL. Give one that begins with https://.')
  if (url.username !== '' || url.password !== '') {
    throw invalid('a url with a user and a password. Give them as a header (authorization).')
  }
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSecure) throw invalid('a url without https. Use https; only this machine may be reached by http.')
  return url
}

function parseSecrets(given: unknown): string[] {
  const secrets: unknown[] = Array.isArray(given) ? given : [given]
  const isUsable = (secret: unknown) => typeof secret === 'string' && secret.trim().length >= fewestCharacters
  // The secret is not quoted.
  if (secrets.length === 0 || !secrets.every(isUsable)) {
    throw invalid(
      `a secret that is missing or short. Give a text of at least ${fewestCharacters} characters, or a list of such texts.`,
    )
  }
  return secrets.map((secret) => String(secret).trim())
}

function parseHeaders(given: WebhookOptions['headers']): Record<string, string> {
  if (given !== undefined && !isRecord(given))
    throw invalid('headers that are no object. Give an object of texts.')
  const headers = { ...given }
  const isUsable = ([name, value]: [string, unknown]) =>
    /^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof value === 'string' && /^[\t\x20-\x7e]*$/.test(value)
  // The values are not quoted.
  if (!Object.entries(headers).every(isUsable)) {
    throw invalid('a header with an invalid name or value. Give an object of texts.')
  }
  return headers
}
