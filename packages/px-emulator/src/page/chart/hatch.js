const size = 8

/**
 * Returns stripes of a colour, for bars whose period is not complete.
 *
 * @param {string} colour
 */
export function hatch(colour) {
  const tile = document.createElement('canvas')
  tile.width = size
  tile.height = size
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'))
  pen.strokeStyle = colour
  pen.lineWidth = 2.5
  // Three strokes, so that the stripes meet at the edges of the tiles.
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1)
    pen.lineTo(shift + size + 1, -1)
  }
  pen.stroke()
  return pen.createPattern(tile, 'repeat') ?? colour
}
