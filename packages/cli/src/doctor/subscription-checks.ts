import { isTimeZone } from '../px/time-zone.ts'
import { type Check, failure, ok, unknown, warning } from './check.ts'

export const productKeyName = 'product key'
export const timeZoneName = 'time zone'

/** Checks that the product key is one of the subscription. @param subscription the body of `GET /v1/admin/subscription` */
export function checkProductKey(
  productKey: string | undefined,
  subscription: Readonly<Record<string, unknown>>,
): Check {
  const known = productKeysOf(subscription)
  const list = `The subscription has ${known.join(', ')}.`
  if (productKey === undefined) {
    const cure = 'Set PX_PRODUCT_KEY to the key that PX shows under Administration > Products.'
    return failure(productKeyName, 'There is no product key.', known.length === 0 ? cure : `${cure} ${list}`)
  }
  if (known.length === 0) return unknown(productKeyName, 'PX lists no product keys in the subscription')
  if (known.includes(productKey)) return ok(productKeyName, `The subscription has ${productKey}.`)
  // The value is not quoted unless it looks like a product key: it may be the API key by mistake.
  const shown = productKey.startsWith('AP-') ? ` ${productKey}` : ''
  return failure(
    productKeyName,
    `The subscription does not have the product key${shown}. ${list}`,
    'Set PX_PRODUCT_KEY to a key that it has, or PX_API_KEY to a key of the other subscription.',
  )
}

function productKeysOf({ products }: Readonly<Record<string, unknown>>): string[] {
  return listOf(products)
    .flatMap(({ productKeys }) => listOf(productKeys))
    .map(({ productKey }) => productKey)
    .filter((key): key is string => typeof key === 'string')
}

function listOf(value: unknown): Record<string, unknown>[] {
  const isRecord = (entry: unknown) => typeof entry === 'object' && entry !== null
  return Array.isArray(value) ? (value.filter(isRecord) as Record<string, unknown>[]) : []
}

/**
 * Compares the time zone of usage days with that of the subscription. An event is dated 12:00 of its day in the zone of px-usage, so
 * PX shows it under the right date while the zones are less than 12 hours apart.
 */
export function checkTimeZone(
  timeZone: string,
  subscription: Readonly<Record<string, unknown>>,
  nowMs: number,
): Check {
  const theirs = subscription.timeZone
  if (typeof theirs !== 'string' || theirs === '') {
    return unknown(timeZoneName, 'PX returns no time zone for the subscription')
  }
  if (!isTimeZone(theirs)) {
    return unknown(
      timeZoneName,
      `PX names the zone of the subscription "${theirs}", which Node.js does not know`,
    )
  }
  const hours = largestDistance(timeZone, theirs, nowMs)
  if (hours === 0) {
    const same = timeZone === theirs ? theirs : `${theirs}, the same time as ${timeZone}`
    return ok(timeZoneName, `Usage days and the subscription are in ${same}.`)
  }
  const found = `Usage days are in ${timeZone}, the subscription is in ${theirs}: up to ${hours} h apart.`
  const cure = `Set timeZone (PX_TIME_ZONE) to ${theirs}, so that both end their days at the same time.`
  if (hours >= 12) return failure(timeZoneName, `${found} PX shows events under another date.`, cure)
  return warning(timeZoneName, `${found} Calls near midnight appear under the neighbouring day.`, cure)
}

/** The largest distance of two zones at 12:00 UTC of the days of a year, in hours. */
function largestDistance(a: string, b: string, nowMs: number): number {
  const offsetA = offsetIn(a)
  const offsetB = offsetIn(b)
  let largest = 0
  for (let week = 0; week < 53; week++) {
    const at = nowMs + week * 7 * 86_400_000
    largest = Math.max(largest, Math.abs(offsetA(at) - offsetB(at)))
  }
  return Math.round((largest / 3_600_000) * 100) / 100
}

/** Returns the offset of a zone from UTC, in ms. */
function offsetIn(timeZone: string): (epochMs: number) => number {
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  return (epochMs) => {
    const parts: Partial<Record<string, string>> = {}
    for (const { type, value } of format.formatToParts(epochMs)) parts[type] = value
    const { year, month, day, hour, minute, second } = parts
    const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
    return local - Math.floor(epochMs / 1_000) * 1_000
  }
}
