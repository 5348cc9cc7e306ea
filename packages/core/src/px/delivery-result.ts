import { UsageError } from '../errors.ts'

/** What became of one request to PX, as far as anybody can know. */
export type DeliveryResult =
  | { readonly outcome: 'delivered' }
  /** Certainly not stored by PX; worth another try, after the time PX asked for if it asked for patience. */
  | { readonly outcome: 'retryable'; readonly reason: string; readonly afterMs?: number | undefined }
  /** PX refused this line and will refuse it again. */
  | { readonly outcome: 'rejected'; readonly reason: string }
  /** PX may or may not have stored it. */
  | { readonly outcome: 'unconfirmed'; readonly reason: string }
  /** No line can be sent until somebody changes the key, the address, a certificate or a proxy. */
  | { readonly outcome: 'stopped'; readonly reason: string; readonly cure?: string | undefined }

/** PX's answer to one request, or that there was none. */
export type PxAnswer =
  | {
      readonly answered: true
      readonly status: number
      /** The address before `/v1` that was asked, for messages. */
      readonly baseUrl?: string | undefined
      readonly retryAfter: string | undefined
      /** The time of the reply by the clock of the one who replied, epoch ms. */
      readonly dateMs?: number | undefined
      readonly body: string
      /** Whether `body` is all of it: it may have been cut, broken off, or too long. */
      readonly isComplete: boolean
      /** Why `body` cannot be read although all of it came, such as `is compressed with "zstd"`. */
      readonly fault?: string | undefined
    }
  | {
      readonly answered: false
      readonly error: unknown
      /** Whether a byte may have left. */
      readonly maybeSent: boolean
    }

const maxReasonLength = 2_048
const shortestWaitMs = 1_000
const longestWaitMs = 3_600_000
/** PX documents no Retry-After (px-apidocs.gainsight.com: 429 "Too many requests"), so this is the usual case. */
export const defaultPatienceMs = 30_000

/** What an answer of PX means for a line (documented codes: px-apidocs.gainsight.com, POST /v1/events/custom). */
export function resultOf(answer: PxAnswer, nowMs: number): DeliveryResult {
  if (!answer.answered) return resultOfError(answer.error, answer.maybeSent)
  const { status } = answer
  const reason = reasonOf(answer)
  if (status === 201) return { outcome: 'delivered' }
  if (isKeyRefused(status)) {
    const isPermission = status === 403 && !isPage(answer.body)
    return {
      outcome: 'stopped',
      reason,
      cure: isPermission ? 'Check PX_API_KEY and its Write permission.' : 'Check PX_API_KEY.',
    }
  }
  if (status === 404 || status === 405 || isRedirect(status)) {
    return { outcome: 'stopped', reason, cure: 'Check baseUrl (PX_BASE_URL).' }
  }
  if (status === 429)
    return { outcome: 'retryable', reason, afterMs: patienceMs(answer.retryAfter, answer.dateMs ?? nowMs) }
  if (status === 408 || status >= 500 || status < 400) return { outcome: 'unconfirmed', reason }
  return { outcome: 'rejected', reason }
}

/** PX documents 401; a key without the permission has been seen to get 403. */
export function isKeyRefused(status: number): boolean {
  return status === 401 || status === 403
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}

/** A page of a proxy, of a login or of another service: PX returns JSON. */
function isPage(body: string): boolean {
  return /^\s*</.test(body)
}

/** What PX returned, as a sentence on one line without control characters. HTML is never quoted. */
export function reasonOf(answer: PxAnswer): string {
  if (!answer.answered) return `The request to PX failed: ${withoutStop(messageOf(answer.error))}.`
  const { status, body, fault, baseUrl } = answer
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

function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, maxReasonLength)
}

function withoutStop(text: string): string {
  return text.replace(/[.\s]+$/, '')
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error))
  // The error of several addresses that were all tried has an empty message (Node.js docs, `autoSelectFamily`).
  const first = error instanceof AggregateError && error.message === '' ? error.errors[0] : undefined
  if (first !== undefined) return messageOf(first)
  return oneLine(error.message.replace(/ See https:\S+$/, ''))
}

/** Errors of the certificate check (Node.js docs, `tls`): nothing was sent, and waiting alone does not help. */
const certificateError =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/

function resultOfError(error: unknown, maybeSent: boolean): DeliveryResult {
  const reason = reasonOf({ answered: false, error, maybeSent })
  if (maybeSent) return { outcome: 'unconfirmed', reason }
  const code = (error as { code?: unknown } | null)?.code
  if (error instanceof UsageError) return { outcome: 'stopped', reason }
  if (typeof code !== 'string' || !certificateError.test(code)) return { outcome: 'retryable', reason }
  return {
    outcome: 'stopped',
    reason,
    cure: 'Check baseUrl (PX_BASE_URL) and the certificates that Node trusts (NODE_EXTRA_CA_CERTS).',
  }
}

/**
 * `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), kept between a second and an hour.
 *
 * A date is compared with that of the reply: the clock of this machine may be wrong. Anything else says nothing: `undefined`.
 */
function patienceMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? ''
  const delayMs = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : /^[A-Z][a-z]{2,}, /.test(text)
      ? Date.parse(text) - nowMs
      : Number.NaN
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, shortestWaitMs), longestWaitMs)
}
