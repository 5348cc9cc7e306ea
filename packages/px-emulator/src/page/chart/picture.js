import { plain } from '../plain-text.js'

const margin = 24
const lineHeight = 24
const legendWidth = 260

/** @typedef {{ name: string, value: string, colour: string }} PicturedLine */

/**
 * Draws the chart with its title and its legend into one picture, as it is pasted into slides.
 *
 * @param {HTMLCanvasElement} chart
 * @param {{ title: string, subtitle: string, lines: PicturedLine[] }} texts
 * @returns {Promise<Blob>}
 */
export function pictureOf(chart, { title, subtitle, lines }) {
  const { color: quiet, backgroundColor: ground, fontFamily } = getComputedStyle(chart)
  const { color: strong } = getComputedStyle(document.body)
  const scale = Math.max(2, devicePixelRatio)
  const width = chart.clientWidth + 2 * margin
  const columns = Math.max(1, Math.floor(chart.clientWidth / legendWidth))
  const top = margin + 2 * lineHeight + 12
  const legendTop = top + chart.clientHeight + 12
  const height = legendTop + Math.ceil(lines.length / columns) * lineHeight + margin
  const canvas = document.createElement('canvas')
  canvas.width = width * scale
  canvas.height = height * scale
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  pen.scale(scale, scale)
  pen.fillStyle = ground
  pen.fillRect(0, 0, width, height)
  pen.textBaseline = 'top'
  pen.fillStyle = strong
  pen.font = `600 18px ${fontFamily}`
  pen.fillText(plain(title), margin, margin, chart.clientWidth)
  pen.fillStyle = quiet
  pen.font = `14px ${fontFamily}`
  pen.fillText(plain(subtitle), margin, margin + lineHeight + 4, chart.clientWidth)
  pen.drawImage(chart, margin, top, chart.clientWidth, chart.clientHeight)
  lines.forEach(({ name, value, colour }, at) => {
    const [x, y] = [margin + (at % columns) * legendWidth, legendTop + Math.floor(at / columns) * lineHeight]
    pen.fillStyle = colour
    pen.fillRect(x, y + 2, 12, 12)
    pen.fillStyle = strong
    pen.fillText(`${plain(name).slice(0, 24)}  ${value}`, x + 20, y, legendWidth - 28)
  })
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('The browser made no picture')) : resolve(blob)),
      'image/png',
    )
  })
}
