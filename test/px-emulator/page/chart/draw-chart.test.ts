import { expect, test } from 'vitest'
import {
  describeInBrowser,
  emulator,
  expectComplaints,
  legendButton,
  legendTexts,
  page,
  postCalls,
} from '../../../support/report-page.ts'

const reading = () => page.locator('#reading').textContent()
const picture = () =>
  page.evaluate<string>(
    "new Promise((done) => requestAnimationFrame(() => done(document.getElementById('chart').toDataURL())))",
  )

/** The colours in the middle of the column of a period, from the bottom to the top. */
function coloursAt(share: number): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.getElementById('chart')
    const column = canvas.getContext('2d').getImageData(Math.round(canvas.width * ${share}), 0, 1, canvas.height).data
    const colours = new Set()
    for (let at = 0; at < column.length; at += 4) colours.add(column.slice(at, at + 4).join())
    return colours.size
  })()`)
}

describeInBrowser('the chart', () => {
  test('the arrow keys read one period after the other, also for a screen reader', async () => {
    await postCalls('acme', 5, 6)
    await postCalls('globex', 1, 2)
    await page.goto(`${emulator.url}/?by=accountId&from=2026-11-09&to=2026-11-10`)
    await page.getByText('Whole range: 14 API calls').waitFor()
    expect(await legendTexts()).toEqual([
      ['acme', '11'],
      ['globex', '3'],
    ])
    const chart = page.getByRole('slider', { name: 'Chart' })
    await chart.focus()
    await page.keyboard.press('ArrowRight')
    expect(await chart.getAttribute('aria-valuetext')).toBe('Mon, Nov 9, 2026: 6 API calls')
    await page.keyboard.press('End')
    expect(await reading()).toBe('Tue, Nov 10, 2026: 8 API calls')
    expect(await legendTexts()).toEqual([
      ['acme', '6'],
      ['globex', '2'],
    ])
    await page.keyboard.press('ArrowRight')
    expect(await reading()).toBe('Tue, Nov 10, 2026: 8 API calls')
    await page.keyboard.press('Escape')
    expect(await reading()).toBe('Whole range: 14 API calls')
  })

  test('the pointer marks a column with a band and reads it beside the chart', async () => {
    await postCalls('acme', 5, 6)
    await page.goto(`${emulator.url}/?from=2026-11-09&to=2026-11-10`)
    await page.getByText('Whole range: 11 API calls').waitFor()
    const before = await picture()
    const box = await page.locator('#chart').boundingBox()
    await page.mouse.move(box!.x + box!.width * 0.75, box!.y + 40)
    expect(await reading()).toBe('Tue, Nov 10, 2026: 6 API calls')
    expect((await picture()) === before).toBe(false)
    await page.mouse.move(box!.x + box!.width * 0.75, box!.y - 60)
    expect(await reading()).toBe('Whole range: 11 API calls')
    expect((await picture()) === before).toBe(true)
  })

  test('a week without all of its days is hatched and says how many it has', async () => {
    await postCalls('acme', 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
    await page.goto(`${emulator.url}/?scope=Weekly&from=2026-11-09&to=2026-11-18`)
    const note = 'hatched: Week from Nov 16, 2026 (3 of 7 days).'
    await page.getByText(note).waitFor()
    await page.getByRole('slider').press('End')
    expect(await reading()).toBe('Week from Nov 16, 2026 (3 of 7 days): 39 API calls')
    await page.keyboard.press('Escape')
    expect(await coloursAt(0.75)).toBeGreaterThan((await coloursAt(0.3)) + 2)
    expectComplaints('willReadFrequently')
    await page.getByLabel('Scope').selectOption('Daily')
    await page.getByRole('heading', { name: 'API calls per day' }).waitFor()
    expect(await page.getByText('hatched').isVisible()).toBe(false)
  })

  test('lines with the same values are both seen, and the legend shows one alone', async () => {
    await postCalls('acme', 5, 6, 7)
    await postCalls('globex', 5, 6, 7)
    await page.goto(`${emulator.url}/?by=accountId&function=Average`)
    await legendButton('globex').waitFor()
    expect(await legendTexts()).toEqual([
      ['acme', '7'],
      ['globex', '7'],
    ])
    const both = await picture()
    await legendButton('acme').hover()
    const first = await picture()
    await legendButton('globex').hover()
    const second = await picture()
    expect(new Set([both, first, second]).size).toBe(3)
    await page.mouse.move(0, 0)
    expect((await picture()) === both).toBe(true)
  })

  test('the others together are in words, unlike an account of the name "(2 more)"', async () => {
    for (let account = 10; account > 0; account -= 1) await postCalls(`account-${account}`, account)
    await postCalls('(2 more)', 50)
    await page.goto(`${emulator.url}/?by=accountId`)
    await page.getByText('2 smaller lines together').waitFor()
    const names = (await legendTexts()).map(([name]) => name)
    expect([names[0], names.at(-1), names.length]).toEqual(['(2 more)', '2 smaller lines together', 10])
    await legendButton('2 smaller lines together').click()
    await page.locator('#ranking').getByRole('button', { name: 'account-1', exact: true }).waitFor()
    expect(await page.locator('#ranking tbody tr').count()).toBe(11)
  })
})
