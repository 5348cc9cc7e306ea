import {
  type DeliveryResult,
  isCertificateError,
  isPage,
  messageOf,
  oneLine,
  type PxResponse,
  retryAfterMs,
  withoutStop,
} from '../px/delivery-result.ts'

/**
 * Converts the response of a webhook into the outcome of all lines of the request.
 *
 * @param origin the origin of the address, for messages. The rest of an address is often a secret, as with Zapier.
 */
export function webhookResult(response: PxResponse, origin: string, nowMs: number): DeliveryResult {
  if (!response.received) return resultOfError(response.error, response.maybeSent, origin)
  const { status } = response
  const reason = reasonOf(response, origin)
  if (status >= 200 && status < 300) return { outcome: 'delivered' }
  if (status === 401 || status === 403) return { outcome: 'stopped', reason, advice: 'Check the secret.' }
  if (status === 410) return { outcome: 'stopped', reason, advice: 'The webhook is gone. Check its url.' }
  if ((status >= 300 && status < 400) || status === 404 || status === 405) {
    return { outcome: 'stopped', reason, advice: 'Check its url.' }
  }
  const afterMs = retryAfterMs(response.retryAfter, response.dateMs ?? nowMs)
  if (status === 429 || (status === 503 && afterMs !== undefined)) {
    return { outcome: 'retryable', reason, afterMs }
  }
  if (status === 503) return { outcome: 'retryable', reason }
  if (status === 408 || status >= 500 || status < 200) return { outcome: 'unconfirmed', reason }
  return { outcome: 'rejected', reason }
}

function reasonOf({ status, body }: PxResponse & { received: true }, origin: string): string {
  const who = `The webhook at ${origin} returned ${status}`
  if (status >= 300 && status < 400) return `${who}, a redirect, which is not followed.`
  if (isPage(body)) return `${who} with an HTML page.`
  const said = oneLine(body)
  return said === '' ? `${who}.` : `${who}: ${said}`
}

function resultOfError(error: unknown, maybeSent: boolean, origin: string): DeliveryResult {
  const reason = `The request to the webhook at ${origin} failed: ${withoutStop(messageOf(error))}.`
  if (maybeSent) return { outcome: 'unconfirmed', reason }
  if (!isCertificateError(error)) return { outcome: 'retryable', reason }
  const advice = 'Check its url and the certificates that Node trusts (NODE_EXTRA_CA_CERTS).'
  return { outcome: 'stopped', reason, advice }
}
