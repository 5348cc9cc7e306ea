import { type Emulator, type EmulatorOptions, startEmulator } from 'px-emulator'
import { afterEach } from 'vitest'

export const dayMs = 86_400_000

/** The emulator of the running test. It is closed after the test. */
export let emulator: Emulator
/** The time of the emulator. */
export let nowMs = 0

/** Starts the emulator on a free port, at 10 o'clock in UTC on Monday, 23 November 2026. */
export async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  setTime(Date.UTC(2026, 10, 23, 10))
  emulator = await startEmulator({ port: 0, now: () => nowMs, ...options })
  return emulator
}
afterEach(() => emulator.close())

export function setTime(ms: number): void {
  nowMs = ms
}

export const event = {
  eventName: 'dailyApiCalls',
  identifyId: 'ann',
  propertyKey: 'AP-DEMOEMULATOR-2',
  userType: 'USER',
  date: Date.UTC(2026, 10, 22, 12),
  attributes: { apiCalls: 120 },
}
export const november = `dateRangeStart=${Date.UTC(2026, 10, 1)}&dateRangeEnd=${Date.UTC(2026, 10, 30)}`

/** Sends a request. `null` sends no key. */
export async function ask(
  method: string,
  path: string,
  body?: unknown,
  key: string | null = emulator.apiKey,
) {
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key === null ? {} : { 'X-APTRINSIC-API-KEY': key }) },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const { status, headers } = response
  const text = await response.text()
  const isJson = headers.get('content-type')?.includes('json')
  return { status, headers, text, body: isJson ? JSON.parse(text) : undefined }
}
export const post = (body: unknown) => ask('POST', '/v1/events/custom', body)
export const find = (query: string) => ask('GET', `/v1/events/custom?${query}`)
export const control = (method: string, path: string, body?: unknown) =>
  ask(method, `/_px-emulator/${path}`, body, null)
export const filter = (...texts: string[]) =>
  texts.map((text) => `filter=${encodeURIComponent(text)}`).join('&')
export const user = (identifyId: string, more: object = {}) => ({
  identifyId,
  propertyKeys: ['AP-1'],
  ...more,
})
export const account = (id: string, more: object = {}) => ({ id, name: id, propertyKeys: ['AP-1'], ...more })
