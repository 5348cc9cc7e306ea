/** Shorter pieces of a credential reveal little, and occur in texts by chance. */
const pieceLength = 8
const maxErrorTextLength = 1_000
const mask = '(credential)'

/**
 * Returns a copy of an error that contains no piece of a credential. It replaces pieces, and withholds a text that contains one
 * in an encoding from which it cannot be cut out. The copy has the name, the message, the stack and the code, and nothing else,
 * because libraries put parameters, headers and further errors into other fields.
 */
export function withoutCredential(thrown: unknown, credential: string): Error {
  try {
    const { name, message, stack, code } = Object(thrown) as Partial<NodeJS.ErrnoException>
    const pieces = piecesOf(credential)
    const traces = tracesOf(credential)
    const clean = (text: unknown) => {
      const masked = without(pieces, String(text).slice(0, maxErrorTextLength))
      return isTraced(traces, masked.replaceAll(mask, ' '))
        ? '(withheld, because it contains the credential)'
        : masked
    }
    const copy = new Error(thrown instanceof Error ? clean(message) : clean(thrown))
    // `Object.defineProperty`, because an assignment to `name` throws with --frozen-intrinsics.
    const own = { configurable: true, writable: true }
    if (name !== undefined) Object.defineProperty(copy, 'name', { value: clean(name), ...own })
    const ownStack = stack === undefined ? `${copy}` : clean(stack)
    Object.defineProperty(copy, 'stack', { value: ownStack, ...own })
    return code === undefined ? copy : Object.assign(copy, { code: clean(code) })
  } catch {
    return new Error('The error cannot be read.')
  }
}

/** Pieces by length: most have the full length, those of short forms are shorter. */
type Pieces = ReadonlyMap<number, ReadonlySet<string>>

function piecesOf(credential: string): Pieces {
  const pieces = new Map<number, Set<string>>()
  for (const form of formsOf(credential)) {
    const length = Math.min(pieceLength, form.length)
    const ofLength = pieces.get(length) ?? new Set<string>()
    pieces.set(length, ofLength)
    for (let from = 0; from + length <= form.length; from++) ofLength.add(form.slice(from, from + length))
  }
  return pieces
}

/** Returns the credential, and the token and the decoded text if the credential is the value of a header. */
function secretsOf(credential: string): string[] {
  const token = credential.slice(credential.indexOf(' ') + 1)
  const decoded = Buffer.from(token, 'base64').toString()
  return [credential, token, decoded.length >= pieceLength ? decoded : '']
}

/** Returns the secrets as they are and in the usual encodings. */
function formsOf(credential: string): string[] {
  return secretsOf(credential).flatMap((form) =>
    form === ''
      ? []
      : [
          form,
          encodeURIComponent(form),
          JSON.stringify(form).slice(1, -1),
          Buffer.from(form).toString('base64'),
        ],
  )
}

function without(pieces: Pieces, text: string): string {
  let clean = ''
  for (let from = 0; from < text.length; ) {
    const end = endOfPieces(pieces, text, from)
    clean += end === from ? text[from] : mask
    from = Math.max(end, from + 1)
  }
  return clean
}

/** Returns where the overlapping pieces that start at `from` end; `from` if no piece starts there. */
function endOfPieces(pieces: Pieces, text: string, from: number): number {
  let end = from
  for (let at = from; at <= end && at < text.length; at++) {
    for (const [length, ofLength] of pieces) {
      if (at + length > end && ofLength.has(text.slice(at, at + length))) end = at + length
    }
  }
  return end
}

/** Shorter traces occur in texts by chance. */
const shortestTrace = 4

/** Returns runs of letters and digits of the secrets, forwards and backwards, without case and separators. */
function tracesOf(credential: string): ReadonlySet<string> {
  const traces = new Set<string>()
  for (const secret of secretsOf(credential)) {
    const letters = lettersOf(secret)
    const length = Math.min(pieceLength, letters.length)
    if (length < shortestTrace) continue
    for (const text of [letters, [...letters].reverse().join('')]) {
      for (let from = 0; from + length <= text.length; from++) traces.add(text.slice(from, from + length))
    }
  }
  return traces
}

function isTraced(traces: ReadonlySet<string>, text: string): boolean {
  const lengths = new Set([...traces].map(({ length }) => length))
  for (const direction of [text, [...text].reverse().join('')]) {
    for (const decoded of decodedTexts(direction)) {
      const letters = lettersOf(decoded)
      for (const length of lengths) {
        for (let from = 0; from + length <= letters.length; from++) {
          if (traces.has(letters.slice(from, from + length))) return true
        }
      }
    }
  }
  return false
}

function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}

/** How deep nested encodings are decoded: base64 of JSON in a URL is three. */
const maxDepth = 3
const escapes =
  /%([0-9a-f]{2})|\\u\{?([0-9a-f]{2,6})\}?|\\x([0-9a-f]{2})|&#x([0-9a-f]{2,6});?|&#(\d{2,7});?|\\([0-7]{3})/gi
const byteLists = /\d{1,3}(?:[\s,;]+\d{1,3}){3,}/g
const hexSeparators = /(?:0x|[\s:,;.-])+/gi
const hexRuns = /[0-9a-f]{8,}/gi
/** A text that was not base64 decodes to noise, of which nothing more is decoded. */
const readable = /[\x20-\x7e\s]{8,}/g
const base64Runs = /[\w+/-]{8,}/g

/**
 * Yields the text and its decoded forms: hex, base64 at any alignment, bytes in decimal, and the escapes of URLs, JSON,
 * JavaScript and HTML, also one inside another.
 */
function* decodedTexts(text: string, depth = maxDepth): Generator<string> {
  yield text
  if (depth === 0) return
  for (const decoded of decodedOnce(text)) {
    if (decoded === text) continue
    yield decoded
    // Every second byte of a UTF-16 text is zero.
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
