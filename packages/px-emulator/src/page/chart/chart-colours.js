/**
 * Colours of the nine largest lines, and one for all others. Each has a contrast of at least 3 to 1 against the card, and
 * differs from the others for viewers with red or green blindness too.
 */
const palettes = {
  light: ['#0153ab', '#d47320', '#13654e', '#9c58dc', '#7c670e', '#ae2e6e', '#009bca', '#6c9a65', '#72261b'],
  dark: ['#5f86f2', '#e08a3c', '#4fd6a8', '#e9c9fa', '#deb919', '#b65082', '#33bce1', '#bde984', '#a9602e'],
}
const restColours = { light: '#7c8696', dark: '#8b94a3' }

/** The index in the palette of each line shown. @type {Map<string, number>} */
let places = new Map()

/**
 * Returns the colour of each line. A line keeps its colour while it is shown, even when its rank changes.
 *
 * @param {string[]} names
 * @returns {string[]}
 */
export function coloursOf(names) {
  const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  const palette = palettes[theme]
  const kept = new Map([...places].filter(([name]) => names.includes(name)))
  const free = palette.map((_, place) => place).filter((place) => ![...kept.values()].includes(place))
  for (const name of names.slice(0, palette.length)) {
    if (!kept.has(name)) kept.set(name, /** @type {number} */ (free.shift()))
  }
  places = kept
  return names.map((name) => palette[places.get(name) ?? palette.length] ?? restColours[theme])
}
