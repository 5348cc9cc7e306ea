/** The longest name or text of an event, in characters, that PX is known to accept: 1024 (px-api, limits of custom events). */
export const maxTextLength = 1_024

/** Whether PX can have an event of that name. */
export function isEventName(name: unknown): name is string {
  return typeof name === 'string' && name.trim() !== '' && name.length <= maxTextLength && name.isWellFormed()
}
