import { hash } from 'node:crypto'

const checksumLength = 16

function checksum(text: string): string {
  return hash('sha256', text).slice(0, checksumLength)
}

/** Puts a checksum before a text that is to be kept on a disk. */
export function withChecksum(text: string): string {
  return `${checksum(text)} ${text}`
}

/** The text again; `undefined` if it is not what was kept. Damage to a few bytes must not become another number. */
export function checkedText(kept: string): string | undefined {
  const text = kept.slice(checksumLength + 1)
  return kept === withChecksum(text) ? text : undefined
}
