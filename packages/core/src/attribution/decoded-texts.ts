/** Encodings within encodings are resolved to this depth: base64 of JSON in a URL is three. */
const maxDepth = 3
const escapes =
  /%([0-9a-f]{2})|\\u\{?([0-9a-f]{2,6})\}?|\\x([0-9a-f]{2})|&#x([0-9a-f]{2,6});?|&#(\d{2,7});?|\\([0-7]{3})/gi
const byteLists = /\d{1,3}(?:[\s,;]+\d{1,3}){3,}/g
const hexSeparators = /(?:0x|[\s:,;.-])+/gi
const hexRuns = /[0-9a-f]{8,}/gi
/** What was no base64 decodes to noise, of which nothing more can be decoded. */
const readable = /[\x20-\x7e\s]{8,}/g
const base64Runs = /[\w+/-]{8,}/g

/**
 * What a text says once it is decoded: reversed, as hex, base64 at any alignment, bytes in decimal, and with the escapes of
 * URLs, JSON, JavaScript and HTML resolved; also one within the other. The text itself comes first.
 */
export function* decodedTexts(text: string, depth = maxDepth): Generator<string> {
  yield text
  if (depth === 0) return
  for (const decoded of decodedOnce(text)) {
    if (decoded === text) continue
    yield decoded
    // Every other byte of a UTF-16 text is zero.
    for (const part of decoded.replaceAll('\0', '').match(readable) ?? [])
      yield* decodedTexts(part, depth - 1)
  }
}

function* decodedOnce(text: string): Generator<string> {
  const unbroken = text.replace(/\s+/g, '')
  yield text.replace(escapes, unescaped)
  yield unbroken.replace(escapes, unescaped)
  yield* (text.match(byteLists) ?? []).map((list) =>
    String.fromCharCode(...list.split(/[\s,;]+/).map(Number)),
  )
  for (const run of text.replace(hexSeparators, '').match(hexRuns) ?? []) {
    for (const offset of [0, 1]) yield Buffer.from(run.slice(offset), 'hex').toString()
  }
  for (const run of unbroken.match(base64Runs) ?? []) {
    for (const offset of [0, 1, 2, 3]) yield Buffer.from(run.slice(offset), 'base64').toString()
  }
}

function unescaped(sequence: string, ...groups: Array<string | undefined>): string {
  const [percent, unicode, hex, htmlHex, htmlDecimal, octal] = groups
  const sixteen = percent ?? unicode ?? hex ?? htmlHex
  const code =
    sixteen !== undefined
      ? Number.parseInt(sixteen, 16)
      : htmlDecimal !== undefined
        ? Number(htmlDecimal)
        : Number.parseInt(octal as string, 8)
  return code <= 0x10ffff ? String.fromCodePoint(code) : sequence
}
