import { shortHash } from './short-hash.ts'

const checksumLength = 16

/** Returns a value as JSON behind a checksum: the content of all small files of the store. */
export function encodeChecked(value: unknown): string {
  return withChecksum(JSON.stringify(value))
}

/**
 * Reads what `encodeChecked` wrote. A damaged number must not be taken for another number.
 *
 * @param isValid whether the value has the shape that this version expects
 * @returns `undefined` for a text that is damaged or has another shape
 */
export function decodeChecked<T>(kept: string, isValid: (value: unknown) => value is T): T | undefined {
  const text = kept.slice(checksumLength + 1)
  if (kept !== withChecksum(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isValid(value) ? value : undefined
  } catch {
    return undefined
  }
}

function withChecksum(text: string): string {
  return `${shortHash(text, checksumLength)} ${text}`
}
