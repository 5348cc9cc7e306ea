import {
  createPxClient,
  createUsageDays,
  type PxClient,
  regionUrl,
  systemClock,
} from '@px-usage/core/adapter'
import { connectPx, type PxConnection } from '../px/px-connection.ts'
import { type AttributesToCheck, checkAttributes } from './attribute-checks.ts'
import { allUnknown, type Check, failure } from './check.ts'
import { checkClock, clockName } from './clock-check.ts'
import { checkFilters, filterName } from './filter-check.ts'
import { checkAccess, checkKeyForm, objectIn } from './key-check.ts'
import { checkSenders, senderName } from './sender-check.ts'
import { checkProductKey, checkTimeZone, productKeyName, timeZoneName } from './subscription-checks.ts'
import { sendTestEvent, writeName, writeUnknown } from './test-event.ts'

export interface PxToCheck {
  readonly baseUrl: string
  readonly apiKey: string | undefined
  readonly productKey: string | undefined
  readonly timeZone: string
  readonly attributes: AttributesToCheck
  /** The name of the daily event, by which senders are told apart. */
  readonly eventName: string
  readonly sendTestEvent: boolean
  /** Addresses of other regions, by name, where a refused key is tried. */
  readonly otherRegions: Readonly<Record<string, string>>
}

/** The addresses of the regions besides one. Only PX's own hosts are in the list, so that no other host receives the key. */
export function otherRegionsThan(baseUrl: string): Record<string, string> {
  const all = Object.fromEntries(['us', 'eu', 'us2'].map((region) => [region, regionUrl(region)]))
  const isRegion = Object.values(all).includes(baseUrl)
  return isRegion ? Object.fromEntries(Object.entries(all).filter(([, url]) => url !== baseUrl)) : {}
}

const requestTimeoutMs = 10_000

/** Checks all that PX shows. It reads, and writes only with `sendTestEvent`. */
export async function checkPx(
  given: PxToCheck,
  { now = Date.now, timeoutMs = requestTimeoutMs }: { now?: () => number; timeoutMs?: number } = {},
): Promise<Check[]> {
  const { apiKey, productKey, baseUrl } = given
  const read = [clockName, productKeyName, timeZoneName, 'attributes', filterName, senderName]
  const form = checkKeyForm(apiKey, productKey)
  if (form !== undefined || apiKey === undefined) {
    const missingProduct = productKey === undefined ? [checkProductKey(productKey, {})] : []
    const rest = read.filter((name) => productKey !== undefined || name !== productKeyName)
    return [
      ...(form === undefined ? [] : [form]),
      ...missingProduct,
      ...allUnknown([...rest, writeName], 'without a valid API key PX shows nothing'),
    ]
  }
  const open = (url: string): PxClient =>
    createPxClient({
      baseUrl: url,
      apiKey: () => apiKey,
      dispatcher: undefined,
      timeoutMs,
      clock: systemClock,
    })
  const client = open(baseUrl)
  const px = connectPx({ baseUrl, apiKey, retry: false }, { client })
  try {
    return await checkConnected(given, { client, px, apiKey, now, open, read })
  } finally {
    await client.close()
  }
}

async function checkConnected(
  given: PxToCheck,
  connected: {
    client: PxClient
    px: PxConnection
    apiKey: string
    now: () => number
    open: (baseUrl: string) => PxClient
    read: readonly string[]
  },
): Promise<Check[]> {
  const { baseUrl, productKey, timeZone, attributes, eventName } = given
  const { client, px, now, open, read } = connected
  const sentMs = now()
  const response = await px.get('/v1/admin/subscription')
  const receivedMs = now()
  const isRefused =
    response.received && (response.status === 401 || response.status === 403 || response.status === 404)
  const elsewhere = isRefused ? await regionsWith(given.otherRegions, open) : []
  const access = checkAccess(response, { baseUrl, elsewhere, nowMs: receivedMs })
  const checks = [...access.checks]
  if (response.received) checks.push(checkClock({ sentMs, receivedMs, dateMs: response.dateMs }))
  if (access.obstacle === undefined && response.received) {
    const subscription = objectIn(response.body) ?? {}
    checks.push(checkProductKey(productKey, subscription), checkTimeZone(timeZone, subscription, receivedMs))
    checks.push(...(await checkAttributes(attributes, px)))
    checks.push(await checkFilters(px, receivedMs))
    checks.push(await checkSenders(px, { eventName, productKey, nowMs: receivedMs }))
  } else {
    const done = new Set(checks.map(({ name }) => name))
    if (productKey === undefined) checks.push(checkProductKey(undefined, {}))
    for (const name of productKey === undefined ? [productKeyName] : []) done.add(name)
    checks.push(
      ...allUnknown(
        read.filter((name) => !done.has(name)),
        access.obstacle ?? '',
      ),
    )
  }
  return [...checks, await checkWrite(given, client, receivedMs)]
}

async function checkWrite(given: PxToCheck, client: PxClient, nowMs: number): Promise<Check> {
  const { productKey, timeZone } = given
  if (!given.sendTestEvent) return writeUnknown()
  if (productKey === undefined) {
    return failure(writeName, 'The test event was not sent: it needs a product key.', 'Set PX_PRODUCT_KEY.')
  }
  return sendTestEvent(client, { productKey, nowMs, day: createUsageDays(timeZone).of(nowMs) })
}

/** Returns the regions that accept the key. */
async function regionsWith(
  regions: Readonly<Record<string, string>>,
  open: (baseUrl: string) => PxClient,
): Promise<string[]> {
  const tried = await Promise.all(
    Object.entries(regions).map(async ([region, baseUrl]) => {
      const client = open(baseUrl)
      const response = await client.request({
        method: 'GET',
        path: '/v1/admin/subscription',
        maxBodyBytes: 1024 * 1024,
      })
      await client.close()
      return response.received && response.status === 200 && objectIn(response.body) !== undefined
        ? [region]
        : []
    }),
  )
  return tried.flat()
}
