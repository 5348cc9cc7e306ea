const slash = 47
const method = /^[A-Z][A-Z_-]*$/

/** The parts of `GET /v1/users?page=2 HTTP/1.1`, as places in the text. */
export interface RequestParts {
  methodEnd: number
  pathStart: number
  pathEnd: number
  targetEnd: number
}

/**
 * Finds the parts of a request line between `start` and `end`.
 *
 * @param parts receives the places, so that nothing is allocated for each line
 * @returns whether it is a request of HTTP. A scanner may send anything, and a proxy logs it with the status 400.
 */
export function findRequest(text: string, start: number, end: number, parts: RequestParts): boolean {
  const methodEnd = text.indexOf(' ', start)
  if (methodEnd === -1 || methodEnd >= end || methodEnd === start) return false
  if (!isUpperCase(text, start, methodEnd)) return false
  const targetStart = methodEnd + 1
  // The target may contain spaces if the proxy does not encode them, so the protocol begins after the last one.
  const lastSpace = text.lastIndexOf(' ', end - 1)
  const targetEnd = lastSpace > methodEnd && text.startsWith('HTTP/', lastSpace + 1) ? lastSpace : end
  if (targetEnd <= targetStart) return false
  let pathStart = targetStart
  if (text.charCodeAt(targetStart) !== slash) {
    const host = text.indexOf('://', targetStart)
    if (host === -1 || host >= targetEnd) {
      // `OPTIONS *` is a request; any other target without a slash is none.
      if (text.charCodeAt(targetStart) !== star || targetEnd !== targetStart + 1) return false
    } else {
      const path = text.indexOf('/', host + 3)
      pathStart = path === -1 || path > targetEnd ? targetEnd : path
    }
  }
  const query = text.indexOf('?', pathStart)
  parts.methodEnd = methodEnd
  parts.pathStart = pathStart
  parts.pathEnd = query === -1 || query > targetEnd ? targetEnd : query
  parts.targetEnd = targetEnd
  return true
}

const star = 42

/** Whether a part of a text is a name such as `GET` or `M-SEARCH`. */
function isUpperCase(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    const isLetter = code >= 65 && code <= 90
    if (!isLetter && (at === start || (code !== 45 && code !== 95))) return false
  }
  return true
}

/** Returns whether a text can be the method of a request. */
export function isMethod(text: string): boolean {
  return method.test(text)
}
