import type { PxResponse } from '@px-usage/core/adapter'
import { isKeyRefused, reasonOf, resultOf } from '@px-usage/core/adapter'
import { type Check, failure, ok, warning } from './check.ts'

const keyName = 'API key'
const addressName = 'address of PX'

/** The text in PX's response to a key that it does not know (read in the vendor's data loader). */
const unknownKeyText = 'Authentication failed in loginAwareAuthentication'

/** Checks the form of the API key. Returns `undefined` for one that only PX can judge. */
export function checkKeyForm(apiKey: string | undefined, productKey: string | undefined): Check | undefined {
  const cure = 'Set PX_API_KEY to a key that you create in PX under Administration > REST API.'
  if (apiKey === undefined) return failure(keyName, 'There is no API key.', cure)
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    return failure(
      keyName,
      'The API key contains a space, a line break or another character that no header may have.',
      cure,
    )
  }
  if (apiKey.startsWith('AP-')) {
    const isSwapped = productKey !== undefined && !productKey.startsWith('AP-')
    return failure(
      keyName,
      'The API key begins with AP-, as product keys do.',
      isSwapped ? 'Swap PX_API_KEY and PX_PRODUCT_KEY.' : cure,
    )
  }
  return undefined
}

/** What a response to `GET /v1/admin/subscription` says about the key and the address. */
export interface Access {
  readonly checks: readonly Check[]
  /** Why nothing else can be read from PX; `undefined` if it can. */
  readonly obstacle?: string
}

/**
 * Judges the key and the address by the response to `GET /v1/admin/subscription`, which needs the Read permission.
 *
 * @param elsewhere the regions in which the same key was accepted, tried after this one had refused it
 */
export function checkAccess(
  response: PxResponse,
  { baseUrl, elsewhere, nowMs }: { baseUrl: string; elsewhere: readonly string[]; nowMs: number },
): Access {
  const reachable = ok(addressName, `PX responds at ${baseUrl}/v1.`)
  const reason = reasonOf(response)
  if (!response.received) {
    const { advice } = resultOf(response, nowMs) as { advice?: string }
    const cure = advice ?? 'Check baseUrl (PX_BASE_URL) or region (PX_REGION), the network and the proxy.'
    return { checks: [failure(addressName, reason, cure)], obstacle: 'PX cannot be reached' }
  }
  const { status, body } = response
  if (isKeyRefused(status)) return refusedKey({ status, body, baseUrl, elsewhere, reachable })
  if (status === 429) {
    const found = 'PX responds 429: it has had too many requests for now.'
    const cure =
      'Try again later. If it lasts, lower maxRequestsPerSecond and look for other senders of the subscription.'
    return { checks: [warning(addressName, found, cure)], obstacle: 'PX responds 429' }
  }
  if (status >= 500 || status === 408) {
    const cure = 'Try again later. px-usage keeps everything until PX responds.'
    return { checks: [failure(addressName, reason, cure)], obstacle: `PX responds ${status}` }
  }
  if (status !== 200) {
    return { checks: [failure(addressName, reason, wrongAddress)], obstacle: `PX responds ${status}` }
  }
  if (!response.isComplete || response.fault !== undefined) {
    const found = response.fault === undefined ? 'The response of PX is incomplete.' : reason
    return {
      checks: [failure(addressName, found, 'Check the proxy between this machine and PX.')],
      obstacle: 'the response of PX cannot be read',
    }
  }
  if (objectIn(body) === undefined) {
    const found = `${baseUrl}/v1 responds 200 with something other than JSON, so this is a proxy, a login page or another service.`
    return { checks: [failure(addressName, found, wrongAddress)], obstacle: 'this is not PX' }
  }
  return { checks: [reachable, ok(keyName, 'PX accepts the key, and it has the Read permission.')] }
}

const wrongAddress =
  'Check baseUrl (PX_BASE_URL) or region (PX_REGION): app.aptrinsic.com is us, app-eu. is eu, app-us2. is us2.'

function refusedKey(given: {
  status: number
  body: string
  baseUrl: string
  elsewhere: readonly string[]
  reachable: Check
}): Access {
  const { status, body, baseUrl, elsewhere, reachable } = given
  const obstacle = 'PX refuses the key'
  if (elsewhere.length > 0) {
    const regions = elsewhere.join(' and ')
    return {
      checks: [
        failure(
          addressName,
          `PX refuses the key at ${baseUrl} and accepts it in region ${regions}.`,
          `Set PX_REGION=${elsewhere[0]} and remove PX_BASE_URL.`,
        ),
      ],
      obstacle,
    }
  }
  if (/^\s*</.test(body)) {
    const found = `${baseUrl}/v1 responds ${status} with an HTML page: something in front of PX refuses the request.`
    return {
      checks: [failure(addressName, found, 'Check the proxy, the allowed IP addresses and PX_BASE_URL.')],
      obstacle,
    }
  }
  if (body.includes(unknownKeyText)) {
    const cure = 'Check PX_API_KEY, and PX_REGION or PX_BASE_URL: a key works in one region only.'
    return { checks: [reachable, failure(keyName, `PX does not know the key (${status}).`, cure)], obstacle }
  }
  if (status === 403) {
    const found = 'PX knows the key, and refuses to let it read (403).'
    const cure =
      'Give the key the Read permission. Without it px-usage cannot look up unconfirmed events, so some may be sent twice.'
    return { checks: [reachable, warning(keyName, found, cure)], obstacle: 'the key may not read' }
  }
  const found = `PX refuses the key (${status}). It does not say whether the key is unknown or lacks the Read permission.`
  const cure =
    'Check PX_API_KEY, its Read permission, and PX_REGION or PX_BASE_URL: a key works in one region only.'
  return { checks: [reachable, failure(keyName, found, cure)], obstacle }
}

/** Parses a JSON object; `undefined` for anything else. */
export function objectIn(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
