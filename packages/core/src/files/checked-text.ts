import { hash } from 'node:crypto'

const checksumLength = 16

function checksum(text: string): string {
  return hash('sha256', text).slice(0, checksumLength)
}

/** Adds a checksum in front of a text that is written to a disk. */
export function withChecksum(text: string): string {
  return `${checksum(text)} ${text}`
}

/** Returns the text behind a checksum, or `undefined` if it is damaged: a damaged number must not be taken for another number. */
export function checkedText(kept: string): string | undefined {
  const text = kept.slice(checksumLength + 1)
  return kept === withChecksum(text) ? text : undefined
}
