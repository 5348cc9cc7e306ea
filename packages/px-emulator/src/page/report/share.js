import { pictureOf } from '../chart/picture.js'

/** The buttons that take a chart elsewhere: its link, and a picture of it. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
let picture = 'report.png'

/** @param {string} name the file name of a picture of the shown chart */
export function namePicture(name) {
  picture = name
}

/** @param {Blob} blob */
function save(blob) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = picture
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

byId('png').addEventListener('click', async () => {
  const lines = [...document.querySelectorAll('#legend:not([hidden]) button')].map((button) => ({
    name: button.querySelector('.name')?.textContent ?? '',
    value: button.querySelector('.value')?.textContent ?? '',
    colour: /** @type {HTMLElement} */ (button).style.getPropertyValue('--colour'),
  }))
  save(
    await pictureOf(byId('chart'), {
      title: byId('title').textContent,
      subtitle: byId('subtitle').textContent,
      lines,
    }),
  )
})

// Browsers provide the clipboard only to pages on loopback or https.
byId('link').hidden = navigator.clipboard === undefined
byId('link').addEventListener('click', async () => {
  await navigator.clipboard.writeText(location.href)
  byId('link').textContent = 'Copied'
  setTimeout(() => {
    byId('link').textContent = 'Copy link'
  }, 2_000)
})
