import { decodedTexts } from './decoded-texts.ts'

/** Shorter pieces of a credential say little, and stand in texts by chance. */
const pieceLength = 8
const maxTextLength = 1_000
const mask = '(credential)'

/**
 * A copy of an error in which no piece of the credential stands: pieces are replaced, and a text that holds one in an encoding
 * of which it cannot be cut out is withheld. It has the name, the message, the stack and the code, and nothing else: drivers
 * put parameters, headers and further errors into other fields.
 */
export function withoutCredential(thrown: unknown, credential: string): Error {
  try {
    const { name, message, stack, code } = Object(thrown) as Partial<NodeJS.ErrnoException>
    const pieces = piecesOf(credential)
    const traces = tracesOf(credential)
    const clean = (text: unknown) => {
      const masked = without(pieces, String(text).slice(0, maxTextLength))
      return isTraced(traces, masked.replaceAll(mask, ' '))
        ? '(withheld, as it holds the credential)'
        : masked
    }
    const copy = new Error(thrown instanceof Error ? clean(message) : clean(thrown))
    // Not assigned: with --frozen-intrinsics the name of the prototype cannot be overridden so.
    const own = { configurable: true, writable: true }
    if (name !== undefined) Object.defineProperty(copy, 'name', { value: clean(name), ...own })
    const ownStack = stack === undefined ? `${copy}` : clean(stack)
    Object.defineProperty(copy, 'stack', { value: ownStack, ...own })
    return code === undefined ? copy : Object.assign(copy, { code: clean(code) })
  } catch {
    return new Error('The error cannot be read.')
  }
}

/** By length: most are of the full one, those of short forms shorter. */
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

/** The credential, and what it may be a header of. */
function secretsOf(credential: string): string[] {
  const token = credential.slice(credential.indexOf(' ') + 1)
  const decoded = Buffer.from(token, 'base64').toString()
  return [credential, token, decoded.length >= pieceLength ? decoded : '']
}

/** The secrets, and how they look in other places. */
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

/** Where the pieces end that begin at `from` and overlap one another; `from` if none begins there. */
function endOfPieces(pieces: Pieces, text: string, from: number): number {
  let end = from
  for (let at = from; at <= end && at < text.length; at++) {
    for (const [length, ofLength] of pieces) {
      if (at + length > end && ofLength.has(text.slice(at, at + length))) end = at + length
    }
  }
  return end
}

/** Shorter traces stand in texts by chance. */
const shortestTrace = 4

/** Letters and digits of the secrets, from left to right and back: whatever their case, and whatever was put between them. */
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
