/** What became of one request to PX, as far as anybody can know. */
export type DeliveryResult =
  | { readonly outcome: 'delivered' }
  /** Certainly not stored by PX; worth another try, after the time PX asked for if it did. */
  | { readonly outcome: 'retryable'; readonly reason: string; readonly afterMs?: number | undefined }
  /** PX refused this line and will refuse it again. */
  | { readonly outcome: 'rejected'; readonly reason: string }
  /** PX may or may not have stored it. */
  | { readonly outcome: 'unknown'; readonly reason: string }
  /** No line can be sent until somebody changes the key, the address or a proxy. */
  | { readonly outcome: 'stopped'; readonly reason: string }

const maxRetryAfterMs = 3_600_000

/** What an answer of PX means for a line (documented codes: px-apidocs.gainsight.com, POST /v1/events/custom). */
export function resultOfAnswer(
  status: number,
  retryAfter: string | undefined,
  body: string,
  nowMs: number,
): DeliveryResult {
  const reason = body === '' ? `PX answered ${status}.` : `PX answered ${status}: ${body}`
  if (status === 201) return { outcome: 'delivered' }
  if (status === 401 || status === 403) return { outcome: 'stopped', reason }
  if (status === 404 || status === 405 || (status >= 300 && status < 400))
    return { outcome: 'stopped', reason }
  if (status === 429) return { outcome: 'retryable', reason, afterMs: retryAfterMs(retryAfter, nowMs) }
  if (status === 408 || status >= 500 || status < 400) return { outcome: 'unknown', reason }
  return { outcome: 'rejected', reason }
}

/** Errors of an attempt that ended before a byte of the request can have reached PX. */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

export function resultOfError(error: unknown): DeliveryResult {
  const code = (error as { code?: unknown } | null)?.code
  const reason = `The request to PX failed: ${error instanceof Error ? error.message : String(error)}`
  return typeof code === 'string' && neverSent.has(code)
    ? { outcome: 'retryable', reason }
    : { outcome: 'unknown', reason }
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), kept between a second and an hour. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const delayMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 1_000), maxRetryAfterMs)
}
