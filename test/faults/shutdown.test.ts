import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createMeter, fileStore } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { send } from '../support/http-client.ts'

const root = join(import.meta.dirname, '../..')
const px = { apiKey: 'key', productKey: 'AP-TEST-2', baseUrl: 'http://127.0.0.1:9' }
let dir: string
let child: ChildProcess | undefined

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-shutdown-'))
})

afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(dir, { recursive: true })
})

/** Starts a server of ours as a process. No server listens at the address of its PX. */
async function start(script: string, args: string[] = []): Promise<{ child: ChildProcess; url: string }> {
  child = spawn(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', join(root, script), ...args],
    {
      cwd: root,
      env: {
        ...process.env,
        PORT: '0',
        PX_API_KEY: px.apiKey,
        PX_PRODUCT_KEY: px.productKey,
        PX_BASE_URL: px.baseUrl,
        PX_USAGE_DIR: dir,
      },
    },
  )
  child.stderr?.pipe(process.stderr)
  const port = /port:? (\d+)/.exec(await said(child, 'port'))?.[1]
  return { child, url: `http://127.0.0.1:${port}` }
}

/** The rest of what a process says, from the line on that has the word in it. */
function said(process: ChildProcess, word: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    process.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes(word) && text.endsWith('\n')) resolve(text)
    })
  })
}

async function countedIn(dir: string): Promise<number> {
  const meter = createMeter({ ...px, store: fileStore({ dir }) })
  const events = await meter.preview()
  await meter.close()
  const totals = events.filter(({ eventName }) => eventName === 'dailyApiCalls')
  return totals.reduce((sum, { attributes }) => sum + Number(attributes.apiCalls), 0)
}

async function exitOf(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; ms: number }> {
  const start = performance.now()
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return { code, signal, ms: performance.now() - start }
}

const asAnn = { headers: { 'x-user': 'ann', 'x-account': 'acme' } }

describe('a service that is asked to end', () => {
  it.each([
    ['express', 'SIGINT', 1_600, '/v1/orders', '/v1/reports/2026'],
    ['koa', 'SIGTERM', 30_000, '/v2/invoices', '/v2/exports/2026'],
  ] as const)(
    'the %s example after %s finishes and counts open calls and ends within %i ms',
    async (name, ask, killMs, fast, long) => {
      const { child, url } = await start(`examples/${name}-basic/server.ts`)
      for (let i = 0; i < 20; i++) await send(`${url}${fast}/${i}`, asAnn)
      const slow = send(`${url}${long}`, asAnn)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const closed = said(child, 'Closed')
      child.kill(ask)
      const killing = setTimeout(() => child.kill('SIGKILL'), killMs)
      const exit = exitOf(child)
      expect((await slow).status).toBe(200)
      expect(await closed).toContain('kept: { calls: 21, lines: 0 }')
      const { code, signal, ms } = await exit
      clearTimeout(killing)
      console.log(`${name}: ended ${ms.toFixed(0)} ms after ${ask}, a request of 200 ms included`)
      expect([code, signal]).toEqual([0, null])
      expect(await countedIn(dir)).toBe(21)
    },
  )

  it('closeOnSignal closes the meter, and the process ends by the signal as without it', async () => {
    const { child, url } = await start('test/support/signal-child.ts', [dir])
    for (let i = 0; i < 20; i++) await send(url, asAnn)
    const exit = exitOf(child)
    child.kill('SIGTERM')
    const { signal, ms } = await exit
    console.log(`closeOnSignal: ended ${ms.toFixed(0)} ms after SIGTERM`)
    expect(signal).toBe('SIGTERM')
    expect(await countedIn(dir)).toBe(20)
  })
})

describe('a second SIGTERM or SIGINT during the drain', () => {
  it('leaves the close of the example running', async () => {
    const { child, url } = await start('examples/express-basic/server.ts')
    const slow = send(`${url}/v1/reports/2026`, asAnn)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const exit = exitOf(child)
    child.kill('SIGTERM')
    child.kill('SIGTERM')
    child.kill('SIGINT')
    expect((await slow).status).toBe(200)
    expect((await exit).code).toBe(0)
    expect(await countedIn(dir)).toBe(1)
  })

  it('leaves the close of closeOnSignal running', async () => {
    const { child, url } = await start('test/support/signal-child.ts', [dir])
    await send(url, asAnn)
    const exit = exitOf(child)
    child.kill('SIGTERM')
    child.kill('SIGTERM')
    child.kill('SIGINT')
    expect(['SIGTERM', 'SIGINT']).toContain((await exit).signal)
    expect(await countedIn(dir)).toBe(1)
  })
})

it('a process that never closes its meter ends by itself, without our listeners or any loss', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'test/support/unclosed-child.ts', dir],
    { cwd: root },
  )
  const { before, after } = JSON.parse(stdout)
  expect(after).toEqual(before)
  expect(await countedIn(dir)).toBe(6)
})
