import { PxError } from '../px-error.ts'

const maxLength = 1_000

/** A part of a pattern between two stars. */
interface Part {
  readonly length: number
  /** Returns the first index in the text from `from` on, or -1. */
  find(text: string, from: number): number
  isAt(text: string, place: number): boolean
}

/**
 * Compiles a pattern in which `*` matches any text and, with `hasAnyOne`, `?` matches one character. Each part between the stars is
 * searched once, in order, because a regular expression with six stars took 80 s on one value.
 *
 * @throws {PxError} 400 for a pattern of more than 1,000 characters
 */
export function textPattern(pattern: string, hasAnyOne: boolean): (text: string) => boolean {
  if (pattern.length > maxLength) throw new PxError(400, `A pattern may have at most ${maxLength} characters`)
  const parts = pattern
    .split(/\*+/)
    .map((part) => (hasAnyOne && part.includes('?') ? anyOne(part) : plain(part)))
  const [first, last] = [parts[0] as Part, parts.at(-1) as Part]
  const between = parts.slice(1, -1)
  if (parts.length === 1) return (text) => text.length === first.length && first.isAt(text, 0)
  return (text) => {
    const end = text.length - last.length
    if (end < first.length || !first.isAt(text, 0) || !last.isAt(text, end)) return false
    let place = first.length
    for (const part of between) {
      const found = part.find(text, place)
      if (found === -1) return false
      place = found + part.length
    }
    return place <= end
  }
}

function plain(part: string): Part {
  return {
    length: part.length,
    find: (text, from) => text.indexOf(part, from),
    isAt: (text, place) => text.startsWith(part, place),
  }
}

/** A part with `?` in it. */
function anyOne(part: string): Part {
  const isAt = (text: string, place: number) => {
    if (place + part.length > text.length) return false
    for (let at = 0; at < part.length; at += 1) {
      if (part[at] !== '?' && part[at] !== text[place + at]) return false
    }
    return true
  }
  return {
    length: part.length,
    isAt,
    find(text, from) {
      for (let place = from; place + part.length <= text.length; place += 1)
        if (isAt(text, place)) return place
      return -1
    },
  }
}
