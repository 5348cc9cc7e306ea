/**
 * The text in memory of its own. An id cut out of a header or a token is for V8 a view into it (from 13 characters on) and
 * would keep all of it for the day.
 */
export function detached(text: string): string {
  return text.length < 13 || !text.isWellFormed() ? text : Buffer.from(text).toString()
}
