/**
 * Makes characters visible that would turn, hide or break the text around them: controls, directions such as U+202E, and invisible
 * ones. Joiners are kept within emoji and within scripts that need them.
 *
 * @param {unknown} text
 */
export function plain(text) {
  return String(text).replace(
    /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}|(?<=[\x20-\x7e])[\u200c\u200d]/gu,
    escaped,
  )
}

/**
 * The same for a text of several lines.
 *
 * @param {string} text
 */
export function plainLines(text) {
  return text.split('\n').map(plain).join('\n')
}

/** @param {string} character */
function escaped(character) {
  return `\\u${/** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, '0')}`
}
