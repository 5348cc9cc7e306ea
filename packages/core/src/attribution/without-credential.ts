/** Shorter pieces of a credential say little, and stand in texts by chance. */
const pieceLength = 8
const maxTextLength = 1_000

/**
 * A copy of an error in which no piece of the credential stands, neither as it is nor in base64, a URL or JSON. It has the
 * name, the message, the stack and the code, and nothing else: drivers put parameters and headers into further fields.
 */
export function withoutCredential(thrown: unknown, credential: string): Error {
  try {
    const { name, message, stack, code } = Object(thrown) as Partial<NodeJS.ErrnoException>
    const pieces = piecesOf(credential)
    const clean = (text: unknown) => without(pieces, String(text).slice(0, maxTextLength))
    const copy = new Error(thrown instanceof Error ? clean(message) : clean(thrown))
    if (name !== undefined) copy.name = clean(name)
    copy.stack = stack === undefined ? `${copy}` : clean(stack)
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

/** The credential, what it may be a header of, and how these look in other places. */
function formsOf(credential: string): string[] {
  const token = credential.slice(credential.indexOf(' ') + 1)
  const decoded = Buffer.from(token, 'base64').toString()
  return [credential, token, decoded.length >= pieceLength ? decoded : ''].flatMap((form) =>
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
    clean += end === from ? text[from] : '(credential)'
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
