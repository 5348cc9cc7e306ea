import { type Browser, chromium, type Page } from 'playwright-core'
import { type Emulator, type EmulatorOptions, startEmulator } from 'px-emulator'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { chromiumFlags, findChromium } from './chromium.ts'

export const dayMs = 86_400_000
/** Noon in UTC of Monday, 9 November 2026. */
export const monday = Date.UTC(2026, 10, 9, 12)

const executablePath = findChromium()

/** The emulator and the page of the running test. */
export let emulator: Emulator
export let page: Page
let browser: Browser

/** What the browser complained about, and requests to other addresses. A test fails if there is anything at its end. */
let complaints: string[] = []

/** Ignores complaints that a test provokes. */
export function expectComplaints(text: string): void {
  complaints = complaints.filter((each) => !each.includes(text))
}

/** Runs tests with an emulator and an empty page each, where there is a Chromium. */
export function describeInBrowser(name: string, define: () => void, options: EmulatorOptions = {}): void {
  describe.skipIf(executablePath === undefined)(name, () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: executablePath!, args: [...chromiumFlags] })
    }, 60_000)
    afterAll(() => browser.close())
    beforeEach(async () => {
      emulator = await startEmulator({ port: 0, ...options })
      complaints = []
      await openPage()
    })
    afterEach(async () => {
      await page.close()
      await emulator.close()
      expect(complaints).toEqual([])
    })
    define()
  })
}

/** Replaces the page by one with other properties, such as its size. */
export async function openPage(options: Parameters<Browser['newPage']>[0] = {}): Promise<void> {
  if (page !== undefined) await page.close()
  page = await browser.newPage({ timezoneId: 'UTC', ...options })
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(emulator.url))
      complaints.push(request.url())
  })
}

export async function send(path: string, body: object, method = 'POST'): Promise<void> {
  const response = await fetch(`${emulator.url}/v1/${path}`, {
    method,
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
    body: JSON.stringify(body),
  })
  expect(response.ok).toBe(true)
}

export const post = (event: object) =>
  send('events/custom', {
    eventName: 'dailyApiCalls',
    identifyId: 'ann',
    propertyKey: emulator.productKey,
    userType: 'USER',
    ...event,
  })

/** Sends the calls of one account on the Monday and the days after it. */
export async function postCalls(accountId: string, ...calls: number[]): Promise<void> {
  for (const [day, apiCalls] of calls.entries()) {
    const date = monday + day * dayMs
    await post({ identifyId: `${accountId}-1`, accountId, date, attributes: { apiCalls } })
  }
}

/** The cells of the body of the table of numbers. */
export async function tableRows(): Promise<string[][]> {
  await page.locator('#numbers').evaluate((details) => details.setAttribute('open', ''))
  return page
    .locator('#values tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')),
    )
}

/** The button of a line in the legend. */
export const legendButton = (name: string) => page.locator('#legend').getByRole('button', { name })

/** The texts of the legend, each a name and its value. */
export function legendTexts(): Promise<(string | null)[][]> {
  return page
    .locator('#legend button')
    .evaluateAll((all) => all.map((each) => [...each.children].map(({ textContent }) => textContent)))
}
