/**
 * Compiles a pattern in which each `*` stands for any characters, or none.
 *
 * No RegExp: with several stars it goes back over a long path again and again, and one request stopped the event loop for
 * seconds. Here each part between two stars is taken where it comes first, so nothing is ever tried a second time.
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
