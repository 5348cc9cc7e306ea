const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Returns a text with every control character written out. An id or a reply of PX that contains an escape sequence could otherwise
 * move the cursor, set the title of the window or hide what follows.
 */
export function oneLine(text: string): string {
  return text.replace(control, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

/** Returns a text of at most `width` characters; the end of a longer one is replaced by `…`. */
export function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 })

/** Returns a number with separators: `1,234,567`. */
export function formatCount(count: number): string {
  return numbers.format(count)
}

/** Returns a number and its noun: `1 line`, `2 lines`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${count === 1 ? noun : noun.endsWith('s') ? `${noun}es` : `${noun}s`}`
}

/** Returns a duration in its largest unit: `45 s`, `12 min`, `5 h`, `3 days`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** Returns a time in UTC: `2026-11-23 10:00:00 UTC`. */
export function formatTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
