import { existsSync } from 'node:fs'
import {
  namespaceName,
  type PastDays,
  type ReadNamespace,
  readFolder,
  type StoreReader,
} from '@px-usage/core/adapter'
import { readRedis } from '@px-usage/redis'
import { failedError, usageError } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'
import { connectRedis } from './connect-redis.ts'
import { namespaceText } from './namespace-text.ts'

/** The namespace that a service with these settings counts in. */
export interface ServicePlace {
  /** `undefined` if no service has counted there yet. */
  readonly reader: StoreReader | undefined
  close(): Promise<void>
}

/** Which setting decides each part of a namespace. */
const flags = {
  product: '--product-key',
  destination: '--region or --base-url',
  timeZone: '--time-zone',
} as const

/**
 * Opens the namespace of a service for reading. Changes nothing.
 *
 * @param context in which a meter with the settings opens its store
 * @param mayBeNew whether the namespace may be missing; `advice` ends the error if it may not
 * @throws {CommandError} with exit code 2 if it is missing: lines that are put there would wait for a service that has other settings
 */
export async function openServicePlace(
  { place, from, namespace }: Settings,
  context: PastDays['context'],
  { mayBeNew, advice = '' }: { mayBeNew: boolean; advice?: string },
): Promise<ServicePlace> {
  if (namespace !== undefined && from.namespace.startsWith('--')) {
    throw usageError(
      '--namespace does not apply: the product key, the address of PX and the time zone choose it here.',
    )
  }
  const wanted = namespaceName(context.namespace, context.timeZone)
  const { readers, where, missing, close } = await readersIn(place)
  const reader = readers.find(({ namespace }) => differences(namespace, wanted).length === 0)
  if (reader !== undefined || mayBeNew) return { reader, close }
  await close()
  const known = readers.map(({ namespace }) => namespace)
  const [nearest] = known.map((one) => differences(one, wanted)).sort((a, b) => a.length - b.length)
  const [flag, source] =
    place.kind === 'folder' ? ['--dir', from.dir] : ['--redis and --key-prefix', from.keyPrefix]
  const cure =
    nearest === undefined
      ? `Give that of the service with ${flag}${source.startsWith('--') ? '' : ` (${source === 'the default' ? 'this one is the default' : `this one is from ${source}`})`}.`
      : `Give the settings of the service: ${nearest.map((part) => flags[part]).join(', ')}.`
  const others = known.length === 0 ? missing : `has ${known.map(namespaceText).join('; ')}`
  throw usageError(
    `No service has counted as ${namespaceText(wanted)} yet. ${where} ${others}. ${cure}${advice}`,
  )
}

function differences(one: ReadNamespace, other: ReadNamespace): Array<keyof typeof flags> {
  return (Object.keys(flags) as Array<keyof typeof flags>).filter((part) => one[part] !== other[part])
}

async function readersIn(
  place: Settings['place'],
): Promise<{ readers: readonly StoreReader[]; where: string; missing: string; close(): Promise<void> }> {
  if (place.kind === 'folder') {
    const { dir } = place
    const missing = existsSync(dir) ? 'has no counts of px-usage' : 'does not exist'
    return { readers: folderReaders(dir), where: `The folder ${dir}`, missing, close: async () => {} }
  }
  const { url, keyPrefix } = place
  const { sendCommand, close } = await connectRedis(url)
  try {
    const where = `Redis at ${new URL(url).host} with the prefix ${keyPrefix}`
    return {
      readers: await readRedis({ sendCommand, keyPrefix }),
      where,
      missing: 'has no counts of px-usage',
      close,
    }
  } catch (error) {
    await close()
    throw failedError((error as Error).message, error)
  }
}

/** A folder that does not exist, or has no counts, has no namespaces. */
function folderReaders(dir: string): readonly StoreReader[] {
  try {
    return readFolder(dir)
  } catch (error) {
    // An error of the disk has a cause.
    if ((error as Error).cause === undefined) return []
    throw failedError((error as Error).message, error)
  }
}
