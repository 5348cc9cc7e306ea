const escaped = /\\(?:x([0-9a-fA-F]{2})|(["\\]))/g
const plain = /^[\x20-\x5b\x5d-\x7e]*$/

/**
 * Decodes a text whose characters are bytes: the bytes are UTF-8. nginx and Apache write bytes beyond ASCII, quotes and
 * backslashes as `\xHH`, `\"` or `\\`, and these are decoded first.
 */
export function decodeBytes(text: string): string {
  if (plain.test(text)) return text
  const bytes = text.replace(escaped, (_, hex?: string, literal?: string) =>
    hex === undefined ? (literal ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
