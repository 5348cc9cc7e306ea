/**
 * Compiles a pattern in which each `*` matches any characters, or none.
 *
 * A RegExp with several stars backtracks on a long path, and a single request blocked the event loop for seconds. This function
 * takes each part between two stars where it occurs first, so it reads the text only once.
 */
export function matcher(pattern: string): (text: string) => boolean {
  const [head = '', ...parts] = pattern.split(/\*+/)
  const tail = parts.pop()
  if (tail === undefined) return (text) => text === head
  return (text) => {
    const end = text.length - tail.length
    if (head.length > end || !text.startsWith(head) || !text.endsWith(tail)) return false
    let at = head.length
    for (const part of parts) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at <= end
  }
}
