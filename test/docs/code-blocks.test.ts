import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Meter } from '@px-usage/core'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { hasRedis, startRedis } from '../support/redis-server.ts'
import { pages } from './pages.ts'

interface Snippet {
  /** What the code has made. */
  meter?: Meter
  /** The app, if the code is about one. */
  listener?: Parameters<typeof startServer>[0]
  /** Calls the app as ann. Without it, the app gets one request for `/hello`. */
  callAsAnn?: (url: string) => Promise<unknown>
  /** The endpoints of these calls, as PX gets them. */
  endpoints?: readonly string[]
  /** What the code prints. */
  shown?: RegExp
}

const folder = join(import.meta.dirname, 'snippets')
const names = (await readdir(folder)).map((file) => file.replace(/\.ts$/, ''))
// The files are typechecked with everything else. Pages show what comes before the marker.
const sources = new Map<string, string>()
for (const name of names) {
  const [shown = ''] = (await readFile(join(folder, `${name}.ts`), 'utf8')).split('\n// ---')
  sources.set(name, shown.trim())
}
// The emulator has a README of its own, with a test of its own.
const blocks = [...pages]
  .filter(([path]) => path !== 'packages/px-emulator/README.md')
  .flatMap(([path, text]) =>
    [...text.matchAll(/^```ts\n([\s\S]*?)\n```$/gm)].map(([, code = '']) => ({ path, code })),
  )

const redisIsThere = hasRedis()
let px: Emulator
let dir: string

beforeAll(async () => {
  px = await startEmulator({ port: 0 })
  dir = await mkdtemp(join(tmpdir(), 'px-usage-docs-'))
  vi.stubEnv('PX_API_KEY', px.apiKey)
  vi.stubEnv('PX_PRODUCT_KEY', px.productKey)
  vi.stubEnv('PX_BASE_URL', px.url)
  if (redisIsThere) vi.stubEnv('REDIS_URL', `redis://127.0.0.1:${(await startRedis()).port}`)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await px.close()
  await rm(dir, { recursive: true })
})

async function sayHello(url: string): Promise<void> {
  const headers = { 'x-user': 'ann', 'x-api-key': 'key of ann' }
  expect((await send(`${url}/hello`, { headers })).body).toBe('hello')
}

it('every code block of a page is one of the snippets that run here, and each snippet is shown', () => {
  expect(blocks.length).toBeGreaterThan(10)
  const known = [...sources.values()]
  expect(blocks.filter(({ code }) => !known.includes(code))).toEqual([])
  const shown = blocks.map(({ code }) => code)
  expect(names.filter((name) => !shown.includes(sources.get(name) as string))).toEqual([])
})

it('every block of JavaScript of a page is a file of an app that `npm run apps` runs', async () => {
  const apps = join(import.meta.dirname, '../packaging/apps')
  const files = (await readdir(apps, { recursive: true })).filter((file) => file.endsWith('.js'))
  const runs = await Promise.all(files.map((file) => readFile(join(apps, file), 'utf8')))
  const shown = [...pages.values()].flatMap((text) => [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)])
  expect(shown.length).toBeGreaterThan(0)
  for (const [, code = ''] of shown) expect(runs).toContain(code)
})

// Apps that listen by themselves run as processes of their own: test/docs/quick-start.test.ts.
const imported = names.filter((name) => !name.startsWith('quick-start'))
// Last, because light-my-request changes the prototypes of Express.
imported.push(...imported.splice(imported.indexOf('test-of-an-app'), 1))

describe.each(imported)('the code of %s', (name) => {
  it.skipIf(name.startsWith('redis') && !redisIsThere)('runs as it is shown', async () => {
    vi.stubEnv('PX_USAGE_DIR', join(dir, name))
    const print = vi.spyOn(console, 'log').mockImplementation(() => {})
    const snippet: Snippet = await import(`./snippets/${name}.ts`)
    const { meter, listener, callAsAnn = sayHello, endpoints = [expect.any(String)], shown } = snippet
    if (listener !== undefined) {
      const server = await startServer(listener)
      await callAsAnn(server.url)
      const identifyId = 'ann'
      const arrived = async () =>
        expect(await meter?.preview()).toMatchObject([
          { eventName: 'dailyApiCalls', identifyId },
          ...endpoints.map((endpoint) => ({ identifyId, attributes: { endpoint } })),
        ])
      await vi.waitFor(arrived, { timeout: 20_000 })
      await server.close()
    }
    await meter?.close()
    const printed = print.mock.calls.flat().map((value) => inspect(value, { depth: 9 }))
    print.mockRestore()
    if (shown !== undefined) expect(printed.join('\n')).toMatch(shown)
  })
})
