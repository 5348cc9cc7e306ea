import { hash } from 'node:crypto'

/** Returns the first hexadecimal digits of the SHA-256 of a text: a name for what may hold any character. */
export function shortHash(text: string, digits: number): string {
  return hash('sha256', text).slice(0, digits)
}
