import { quoted, UsageError } from '../errors.ts'

/** A data center of PX: `'us'` is app.aptrinsic.com, `'eu'` app-eu.aptrinsic.com, `'us2'` app-us2.aptrinsic.com. */
export type Region = 'us' | 'eu' | 'us2'

/** Hosts of the PX REST API by region (px-apidocs.gainsight.com, "Base URL"). */
const hosts: Readonly<Record<Region, string>> = {
  us: 'https://api.aptrinsic.com',
  eu: 'https://api-eu.aptrinsic.com',
  us2: 'https://api-us2.aptrinsic.com',
}

/**
 * Returns the address of the PX REST API in a region.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_REGION_UNKNOWN`
 */
export function regionUrl(region: string): string {
  if (Object.hasOwn(hosts, region)) return hosts[region as Region]
  throw new UsageError(
    'PXU_ERR_OPTIONS_REGION_UNKNOWN',
    `The option region is ${quoted(region)}. Give 'us', 'eu' or 'us2': app.aptrinsic.com is us, app-eu. is eu, app-us2. is us2. For any other host use baseUrl.`,
  )
}

/**
 * Validates a base URL and returns it without a final `/v1`.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_BASE_URL_INVALID`, also for plain HTTP to another machine, which would expose the API key
 */
export function parseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const invalid = (reason: string) =>
    new UsageError('PXU_ERR_OPTIONS_BASE_URL_INVALID', `The option baseUrl is ${quoted(text)}. ${reason}`)
  if (url === undefined) throw invalid("Give an absolute URL such as 'https://api.aptrinsic.com'.")
  if (url.username !== '' || url.password !== '') throw invalid('Remove the user and the password.')
  if (url.search !== '' || url.hash !== '') throw invalid('Remove the query and the fragment.')
  const secure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!secure)
    throw invalid(
      'Use https, because plain http would expose the API key. Only this machine may be reached by http.',
    )
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`
}

/** Returns whether a host name is that of this machine, to which plain http exposes nothing. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
