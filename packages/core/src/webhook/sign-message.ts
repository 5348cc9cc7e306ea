import { createHmac } from 'node:crypto'

/** A message as Standard Webhooks signs it (standardwebhooks.com, version 1.0.0). */
export interface WebhookMessage {
  /** Identifies the message; the same each time it is sent. */
  readonly id: string
  /** When it is sent, in seconds of the epoch. A receiver refuses old messages by it. */
  readonly timestamp: number
  readonly body: string
}

/**
 * Returns the headers that sign a message with HMAC-SHA256. With several secrets it has one signature for each of them, so that a
 * secret can be replaced while receivers still check the previous one.
 *
 * @param secrets `whsec_` and a key in base64, as Standard Webhooks writes it; any other text is the key itself
 */
export function signMessage(
  { id, timestamp, body }: WebhookMessage,
  secrets: readonly string[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`)
    return `v1,${hmac.digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}

function keyOf(secret: string): Buffer {
  const prefix = 'whsec_'
  return secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret, 'utf8')
}
