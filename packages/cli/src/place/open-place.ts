import { changeRejected, type RejectedCommand, readFolder, type StoreReader } from '@px-usage/core/adapter'
import { readRedis } from '@px-usage/redis'
import { CommandError, exitCodes, failedError, usageError } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'
import { connectRedis } from './connect-redis.ts'
import { isDryRun, namespaceText } from './namespace-text.ts'

/** The namespaces that a command reads, each with its number in the place. */
export interface OpenPlace {
  readonly readers: readonly NumberedReader[]
  close(): Promise<void>
}

export interface NumberedReader extends StoreReader {
  /** From 1, in the order of the place; the value of `--namespace`. */
  readonly number: number
  readonly name: string
  /** Sends rejected lines again, or discards them. @returns `left` if the service does it later */
  change(command: Omit<RejectedCommand, 'id'>): Promise<'done' | 'left'>
}

/**
 * Opens the folder or the Redis of the settings for reading, with the namespaces that `--namespace` chooses, or all of them.
 *
 * @throws {CommandError} if it cannot be read, or if no namespace is chosen
 */
export async function openPlace(settings: Settings): Promise<OpenPlace> {
  const { place, namespace } = settings
  try {
    if (place.kind === 'redis') return await openRedis(place, namespace)
    const readers = readFolder(place.dir).map((reader) => ({
      ...reader,
      change: (command: Omit<RejectedCommand, 'id'>) => changeRejected(reader.place, command),
    }))
    return { readers: chosen(readers, namespace), close: async () => {} }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw failedError((error as Error).message, error)
  }
}

/**
 * Returns the one namespace that a command works on.
 *
 * @throws {CommandError} with exit code 2 if there are several and `--namespace` chooses none
 */
export function onlyReader({ readers }: OpenPlace): NumberedReader {
  const [first, ...others] = readers
  if (first !== undefined && others.length === 0) return first
  const list = readers.map(({ number, name }) => `${number} (${name})`).join(', ')
  throw usageError(`There are ${readers.length} namespaces. Choose one with --namespace: ${list}.`)
}

/**
 * Returns the one namespace whose lines are sent.
 *
 * @throws {CommandError} with exit code 2 if there are several and `--namespace` chooses none, or if all are dry runs
 */
export function sendingReader({ readers, close }: OpenPlace): NumberedReader {
  const sending = readers.filter(({ namespace }) => !isDryRun(namespace))
  if (sending.length === 0) throw usageError('The store has counts of dry runs only. They are never sent.')
  return onlyReader({ readers: sending, close })
}

async function openRedis(
  { url, keyPrefix }: { url: string; keyPrefix: string },
  namespace: string | undefined,
): Promise<OpenPlace> {
  const { sendCommand, close } = await connectRedis(url)
  try {
    const readers = await readRedis({ sendCommand, keyPrefix })
    if (readers.length === 0)
      throw failedError(
        `Redis has no counts of px-usage with the prefix ${keyPrefix}. Give the keyPrefix of the service with --key-prefix.`,
      )
    return { readers: chosen(readers, namespace), close }
  } catch (error) {
    await close()
    throw error
  }
}

type Changeable = StoreReader & Pick<NumberedReader, 'change'>

function chosen(found: readonly Changeable[], which: string | undefined): NumberedReader[] {
  const all = found.map((reader, at) => ({
    ...reader,
    number: at + 1,
    name: namespaceText(reader.namespace),
  }))
  if (which === undefined) return all
  const text = which.toLowerCase()
  const matching = all.filter(
    ({ number, name, namespace: { product, destination, timeZone } }) =>
      String(number) === which ||
      [name, product, destination, timeZone].some((part) => part.toLowerCase().includes(text)),
  )
  // A number that is part of a product key as well means the number.
  const exact = matching.filter(({ number }) => String(number) === which)
  if (exact.length > 0) return exact
  if (matching.length > 0) return matching
  const list = all.map(({ number, name }) => `${number} (${name})`).join(', ')
  throw new CommandError(exitCodes.usage, `--namespace ${which} matches none of: ${list}.`)
}
