import type { ReadNamespace } from '@px-usage/core/adapter'

/** Returns a namespace for people: `AP-ABC-2, api.aptrinsic.com, UTC`, or `AP-ABC-2, dry run, UTC`. */
export function namespaceText({ product, destination, timeZone }: ReadNamespace): string {
  const target = targetText({ destination })
  return [product === '' ? 'no product' : product, ...(target === '' ? [] : [target]), timeZone].join(', ')
}

/** Returns the host of PX for people, `dry run`, or an empty text if there is none. */
export function targetText({ destination }: Pick<ReadNamespace, 'destination'>): string {
  // The end is a digest of the address, which tells two addresses of one host apart.
  const host = destination.replace(/\.[0-9a-f]{8}$/, '').replace(/^local-/, 'http://')
  return host === 'dry-run' ? 'dry run' : host.replace(/_(?=\d+$)/, ':')
}

/** Whether the counts of a namespace are never sent. */
export function isDryRun({ destination }: ReadNamespace): boolean {
  return destination.startsWith('dry-run.')
}
