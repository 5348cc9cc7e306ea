import { existsSync } from 'node:fs'

const places = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** Where a Chromium of the system is; `undefined`, with a warning, where there is none. */
export function findChromium(): string | undefined {
  const found = places.find((place) => place !== undefined && existsSync(place))
  if (found === undefined) {
    console.warn('No Chromium found (CHROMIUM_PATH or /usr/bin/chromium): the browser tests are skipped.')
  }
  return found
}

export const chromiumFlags: readonly string[] = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
