/**
 * Copies a text into memory of its own. V8 stores an id of 13 characters or more that was cut out of a header or a token as
 * a view into the whole text, and would keep that text in memory for the day.
 */
export function detached(text: string): string {
  return text.length < 13 || !text.isWellFormed() ? text : Buffer.from(text).toString()
}
