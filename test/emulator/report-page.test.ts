import { readFile } from 'node:fs/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chromiumFlags, findChromium } from '../support/chromium.ts'

const executablePath = findChromium()
const dayMs = 86_400_000
const monday = Date.UTC(2026, 10, 9, 12)
const hostile = '<img src=x onerror="document.title=1">'

let emulator: Emulator
let browser: Browser
let page: Page
let complaints: string[]

async function post(event: object): Promise<void> {
  const answer = await fetch(`${emulator.url}/v1/events/custom`, {
    method: 'POST',
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
    body: JSON.stringify({
      eventName: 'dailyApiCalls',
      identifyId: 'ann',
      propertyKey: emulator.productKey,
      userType: 'USER',
      ...event,
    }),
  })
  expect(answer.status).toBe(201)
}

async function tableRows(): Promise<string[][]> {
  await page.locator('#numbers').evaluate((details) => details.setAttribute('open', ''))
  return page
    .locator('#values tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')),
    )
}

async function rowOf(period: string): Promise<string[] | undefined> {
  return (await tableRows()).find(([first]) => first === period)
}

describe.skipIf(executablePath === undefined)('report page', () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: [...chromiumFlags] })
  })
  afterAll(() => browser.close())

  beforeEach(async () => {
    emulator = await startEmulator({ port: 0 })
    page = await browser.newPage({ timezoneId: 'UTC' })
    complaints = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(emulator.url))
        complaints.push(request.url())
    })
  })
  afterEach(async () => {
    await page.close()
    await emulator.close()
    expect(complaints).toEqual([])
  })

  test('before the first event the page tells how to send one, and shows the chart when it arrives', async () => {
    await page.goto(emulator.url)
    await page.getByText('No event received yet').waitFor()
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.getByRole('heading', { name: 'Sum of apiCalls, daily' }).waitFor()
    expect(await page.getByText('No event received yet').isVisible()).toBe(false)
  })

  test('Average and Weekly shows the mean of the events of each week, in the table and in the CSV', async () => {
    for (let day = 0; day < 10; day += 1) {
      await post({ date: monday + day * dayMs, attributes: { apiCalls: 100 + day * day } })
    }
    await page.goto(emulator.url)
    await page.getByLabel('Function').selectOption('Average')
    await page.getByLabel('Scope').selectOption('Weekly')
    await page.getByRole('heading', { name: 'Average of apiCalls, weekly' }).waitFor()
    const calls = (events: readonly { attributes: object }[]) =>
      events.reduce((sum, { attributes }) => sum + (attributes as { apiCalls: number }).apiCalls, 0) /
      events.length
    const first = calls(emulator.events().slice(0, 7))
    const second = calls(emulator.events().slice(7))
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', first.toFixed(0)])
    expect(await rowOf('2026-11-16')).toEqual(['2026-11-16', second.toFixed(2)])
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSV' }).click(),
    ])
    const lines = (await readFile(await download.path(), 'utf8')).split('\r\n')
    expect(lines[0]).toBe('From,dailyApiCalls')
    expect(lines).toContain(`2026-11-09,${first}`)
    expect(lines).toContain(`2026-11-16,${second}`)
  })

  test('another time zone moves an event at the boundary to its other day', async () => {
    await post({ date: Date.UTC(2026, 10, 9, 23, 30), attributes: { apiCalls: 7 } })
    await page.goto(emulator.url)
    await page.getByRole('heading', { name: 'Sum of apiCalls, daily' }).waitFor()
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '7'])
    await page.getByLabel('Time zone').selectOption('Europe/Berlin')
    await page.getByText('days in Europe/Berlin').waitFor()
    expect(await rowOf('2026-11-10')).toEqual(['2026-11-10', '7'])
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '0'])
  })

  test('the trap is told exactly when it is chosen', async () => {
    await post({ date: monday, attributes: { apiCalls: 7 } })
    await page.goto(emulator.url)
    await page.getByRole('heading', { name: 'Sum of apiCalls, daily' }).waitFor()
    const hint = page.getByRole('note')
    expect(await hint.isVisible()).toBe(false)
    await page.getByLabel('Scope').selectOption('Weekly')
    await page.getByText('about 7 times a daily figure').waitFor()
    await page.getByLabel('Function').selectOption('Average')
    await hint.waitFor({ state: 'hidden' })
    await post({ date: monday, attributes: { apiCalls: 8 } })
    await page.getByText('up to 2 of these events on one day').waitFor()
  })

  test('hostile names and values are text', async () => {
    await post({
      eventName: hostile,
      identifyId: hostile,
      date: monday,
      attributes: { [hostile]: hostile, n: 1 },
    })
    await page.goto(emulator.url)
    await page.getByRole('heading', { name: 'Sum of n, daily' }).waitFor()
    await page.getByLabel('Break down by').selectOption(hostile)
    await page.getByText('Table of these numbers').click()
    await page.getByRole('columnheader', { name: hostile }).waitFor()
    await page.getByText('Events, newest first').click()
    await page.locator('#event-list summary').click()
    expect(await page.locator('#event-list pre').textContent()).toContain('onerror')
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.title()).toBe('PX emulator')
  })
})
