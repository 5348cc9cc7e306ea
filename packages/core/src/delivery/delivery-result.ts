import { UsageError } from '../errors.ts'

/** What became of one request to PX, as far as anybody can know. */
export type DeliveryResult =
  | { readonly outcome: 'delivered' }
  /** Certainly not stored by PX; worth another try, after the time PX asked for if it asked for patience. */
  | { readonly outcome: 'retryable'; readonly reason: string; readonly afterMs?: number | undefined }
  /** PX refused this line and will refuse it again. */
  | { readonly outcome: 'rejected'; readonly reason: string }
  /** PX may or may not have stored it. */
  | { readonly outcome: 'unknown'; readonly reason: string }
  /** No line can be sent until somebody changes the key, the address, a certificate or a proxy. */
  | { readonly outcome: 'stopped'; readonly reason: string }

/** PX's answer to one request, or that there was none. */
export type PxAnswer =
  | {
      readonly answered: true
      readonly status: number
      readonly retryAfter: string | undefined
      readonly body: string
      /** Whether `body` is all of it: it may have been cut, broken off, or too long. */
      readonly isComplete: boolean
    }
  | {
      readonly answered: false
      readonly error: unknown /** Whether a byte may have left. */
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
  if (isKeyRefused(status) || status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return { outcome: 'stopped', reason }
  }
  if (status === 429) return { outcome: 'retryable', reason, afterMs: patienceMs(answer.retryAfter, nowMs) }
  if (status === 408 || status >= 500 || status < 400) return { outcome: 'unknown', reason }
  return { outcome: 'rejected', reason }
}

/** PX documents 401; a key without the permission has been seen to get 403. */
export function isKeyRefused(status: number): boolean {
  return status === 401 || status === 403
}

/** What PX said, on one line without control characters. */
export function reasonOf(answer: PxAnswer): string {
  if (!answer.answered) {
    return `The request to PX failed: ${answer.error instanceof Error ? answer.error.message : String(answer.error)}`
  }
  const said = answer.body.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return said === ''
    ? `PX answered ${answer.status}.`
    : `PX answered ${answer.status}: ${said.slice(0, maxReasonLength)}`
}

/** Errors of the certificate check (Node.js docs, `tls`): nothing was sent, and waiting alone does not help. */
const certificateError =
  /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/

function resultOfError(error: unknown, maybeSent: boolean): DeliveryResult {
  const reason = reasonOf({ answered: false, error, maybeSent })
  if (maybeSent) return { outcome: 'unknown', reason }
  const code = (error as { code?: unknown } | null)?.code
  const isConfiguration =
    error instanceof UsageError || (typeof code === 'string' && certificateError.test(code))
  return { outcome: isConfiguration ? 'stopped' : 'retryable', reason }
}

/**
 * `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), kept between a second and an hour.
 *
 * Anything else tells nothing: `undefined`.
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
