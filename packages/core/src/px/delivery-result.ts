import { UsageError } from '../errors.ts'

/** The outcome of one request to PX, as far as px-usage can know it. */
export type DeliveryResult =
  | { readonly outcome: 'delivered' }
  /** Nothing had to be stored. The line is over, and counts as delivered. */
  | { readonly outcome: 'skipped'; readonly reason: string }
  /** PX certainly did not store it. It is retried, after `afterMs` if PX sent a `Retry-After`. */
  | { readonly outcome: 'retryable'; readonly reason: string; readonly afterMs?: number | undefined }
  /** PX refused this line and would refuse it again. */
  | { readonly outcome: 'rejected'; readonly reason: string }
  /** PX may or may not have stored it. */
  | { readonly outcome: 'unconfirmed'; readonly reason: string }
  /** No line can be sent until the operator changes the key, the address, a certificate or a proxy. `advice` names what to check, as a sentence. */
  | { readonly outcome: 'stopped'; readonly reason: string; readonly advice?: string | undefined }

/** The response of PX to one request, or the error if no response was received. */
export type PxResponse =
  | {
      readonly received: true
      readonly status: number
      /** The address of the request before `/v1`, for messages. */
      readonly baseUrl?: string | undefined
      readonly retryAfter: string | undefined
      /** The `Date` header of the response, epoch ms. */
      readonly dateMs?: number | undefined
      readonly body: string
      /** Whether `body` is the whole body. It is not if the connection broke or the body was too long. */
      readonly isComplete: boolean
      /** Why a complete body cannot be read, such as `is compressed with "zstd"`. */
      readonly fault?: string | undefined
    }
  | {
      readonly received: false
      readonly error: unknown
      /** Whether PX may have received a part of the request. */
      readonly maybeSent: boolean
    }

const maxReasonLength = 2_048
const shortestWaitMs = 1_000
const longestWaitMs = 3_600_000
/** The wait after a 429 without `Retry-After`: 30000 ms (30 seconds). PX documents no such header (px-apidocs.gainsight.com). */
export const defaultRateLimitMs = 30_000

/** Converts a response of PX into the outcome of a line (status codes: px-apidocs.gainsight.com, POST /v1/events/custom). */
export function resultOf(response: PxResponse, nowMs: number): DeliveryResult {
  if (!response.received) return resultOfError(response.error, response.maybeSent)
  const { status } = response
  const reason = reasonOf(response)
  if (status === 201) return { outcome: 'delivered' }
  if (isKeyRefused(status)) {
    const isPermission = status === 403 && !isPage(response.body)
    return {
      outcome: 'stopped',
      reason,
      advice: isPermission ? 'Check PX_API_KEY and its Write permission.' : 'Check PX_API_KEY.',
    }
  }
  if (status === 404 || status === 405 || isRedirect(status)) {
    return { outcome: 'stopped', reason, advice: 'Check baseUrl (PX_BASE_URL).' }
  }
  if (status === 429)
    return {
      outcome: 'retryable',
      reason,
      afterMs: retryAfterMs(response.retryAfter, response.dateMs ?? nowMs),
    }
  if (status === 408 || status >= 500 || status < 400) return { outcome: 'unconfirmed', reason }
  return { outcome: 'rejected', reason }
}

/** Returns whether PX refused the API key. PX documents 401; a key without the permission was seen to get 403. */
export function isKeyRefused(status: number): boolean {
  return status === 401 || status === 403
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** Returns whether the body is an HTML page, of a proxy, a login or another service. PX returns JSON. */
export function isPage(body: string): boolean {
  return /^\s*</.test(body)
}

/** Describes a response of PX in one line without control characters. HTML is never quoted. */
export function reasonOf(response: PxResponse): string {
  if (!response.received) return `The request to PX failed: ${withoutStop(messageOf(response.error))}.`
  const { status, body, fault, baseUrl } = response
  if (isKeyRefused(status)) {
    return `PX refuses the API key (${status}${baseUrl === undefined ? '' : ` at ${baseUrl}`}).`
  }
  const px = baseUrl === undefined ? 'PX' : `PX at ${baseUrl}/v1`
  if (isRedirect(status)) return `${px} returned ${status}, a redirect, which is not followed.`
  const isWrongAddress = status === 404 || status === 405
  if (isPage(body)) {
    return `${px} returned ${status} with an HTML page${isWrongAddress ? ', so this is not PX' : ''}.`
  }
  if (fault !== undefined) return `${px} returned ${status} with a body that ${fault}.`
  const said = oneLine(body)
  const who = isWrongAddress ? px : 'PX'
  return said === '' ? `${who} returned ${status}.` : `${who} returned ${status}: ${said}`
}

/** Returns a text on one line without control characters, shortened. */
export function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, maxReasonLength)
}

/** Returns a text without the stop at its end. */
export function withoutStop(text: string): string {
  return text.replace(/[.\s]+$/, '')
}

/** Returns the message of an error of the network, on one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  // When Node has tried several addresses, the error has an empty message and one error per address (Node.js docs, `autoSelectFamily`).
  const first = error instanceof AggregateError && error.message === '' ? error.errors[0] : undefined
  if (first !== undefined) return messageOf(first)
  return oneLine(error.message.replace(/ See https:\S+$/, ''))
}

const certificateError =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/

/** Returns whether the certificate check failed (Node.js docs, `tls`). Nothing was sent, and a retry alone does not help. */
export function isCertificateError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && certificateError.test(code)
}

function resultOfError(error: unknown, maybeSent: boolean): DeliveryResult {
  const reason = reasonOf({ received: false, error, maybeSent })
  if (maybeSent) return { outcome: 'unconfirmed', reason }
  if (error instanceof UsageError) return { outcome: 'stopped', reason }
  if (!isCertificateError(error)) return { outcome: 'retryable', reason }
  return {
    outcome: 'stopped',
    reason,
    advice: 'Check baseUrl (PX_BASE_URL) and the certificates that Node trusts (NODE_EXTRA_CA_CERTS).',
  }
}

/**
 * Parses `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), and limits it to 1 second to 1 hour. Returns `undefined` for
 * anything else.
 *
 * @param nowMs the time of the response's `Date` header if it has one, because the clock of this machine may be wrong
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  const delayMs = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : /^[A-Z][a-z]{2,}, /.test(text)
      ? Date.parse(text) - nowMs
      : Number.NaN
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, shortestWaitMs), longestWaitMs)
}
