import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ScriptedPx, startScriptedPx } from '../support/scripted-px.ts'

const root = join(import.meta.dirname, '../..')
const unused = 'http://127.0.0.1:9'
let dir: string
let px: ScriptedPx

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-terminal-'))
  px = await startScriptedPx()
})

afterEach(async () => {
  await px.close()
  await chmod(dir, 0o755)
  await rm(dir, { recursive: true })
})

/**
 * Runs a service until its terminal shows `until`, ends it with SIGTERM, and returns what stood on stderr.
 *
 * @param until nothing: it is ended at once
 */
async function terminalOf(mode: string, baseUrl: string, until?: RegExp): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'test/support/terminal-child.ts', mode, dir],
    {
      cwd: root,
      env: { ...process.env, PX_API_KEY: 'secret-key', PX_PRODUCT_KEY: 'AP-TEST-2', PX_BASE_URL: baseUrl },
    },
  )
  let stderr = ''
  await new Promise<void>((resolve) => {
    const look = (isReady: boolean) => {
      if (isReady && (until === undefined || until.test(stderr))) resolve()
    }
    let isReady = false
    child.stdout.on('data', () => {
      isReady = true
      look(isReady)
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      look(isReady)
    })
    child.once('exit', () => resolve())
  })
  child.kill('SIGTERM')
  const [, signal] = await once(child, 'close')
  expect(signal).toBe('SIGTERM')
  const text = stderr.replaceAll(dir, '/srv/app/.px-usage').replaceAll(`${root}/`, '/srv/app/')
  console.log(`${mode}\n${inColumns(text, 80)}`)
  expect(text).not.toContain('secret-key')
  return text
}

/** As a terminal shows it, which breaks lines wherever they reach its edge. */
function inColumns(text: string, columns: number): string {
  return text.replace(new RegExp(`.{${columns}}(?=.)`, 'g'), '$&\n')
}

it('a wrong key is shown at start, and once when it stops an event, with the cure', async () => {
  px.script = ({ answer }) => answer(401, '{"message":"Unauthorized"}')
  const text = await terminalOf(
    'wrong key',
    px.url,
    /^(?=[\s\S]*REFUSED_AT_START)(?=[\s\S]*DELIVERY_STOPPED[\s\S]*See https)/,
  )
  expect(text.match(/PXU_WRN_DELIVERY_REFUSED_AT_START/g)).toHaveLength(1)
  expect(text.match(/PXU_ERR_DELIVERY_STOPPED/g)).toHaveLength(1)
  expect(text).toContain(
    `PX refuses the API key (401 at ${px.url}). 1 event is kept in /srv/app/.px-usage; next try in 5 min. Check PX_API_KEY.`,
  )
})

it('a PX that is down is shown once, with the reason', async () => {
  const text = await terminalOf('PX down', unused, /See https/)
  expect(text.match(/PXU_ERR_DELIVERY_UNREACHABLE/g)).toHaveLength(1)
  expect(text).toMatch(
    /The request to PX failed: connect ECONNREFUSED 127\.0\.0\.1:9\. PX has failed since [\d-]{10} [\d:]{5} UTC; 1 event is kept in \/srv\/app\/\.px-usage; next try in \d+ s\. See https/,
  )
})

it('a page in place of PX is shown once, without the page', async () => {
  px.script = ({ answer }) => answer(404, '<!DOCTYPE html><title>Not found</title>')
  const text = await terminalOf('not PX', px.url, /See https/)
  expect(text).toContain(`PX at ${px.url}/v1 returned 404 with an HTML page, so this is not PX.`)
  expect(text).not.toContain('DOCTYPE')
})

it('an event that PX refuses is shown with its name and its user', async () => {
  px.script = ({ answer }) => answer(400, '{"externalapierror":{"status":"BAD_REQUEST","message":"date"}}')
  const text = await terminalOf('a refused event', px.url, /See https/)
  expect(text).toMatch(
    /PX refused the event "Report Made" of the user "ann" for [\d-]{10}\. PX returned 400: .* It is kept in .* and is not sent again\./,
  )
})

it('an identify that throws is shown once for all calls, with what it threw and where', async () => {
  const text = await terminalOf('identify throws', px.url, /Cause/)
  expect(text.match(/PXU_ERR_ATTRIBUTION_FAILED/g)).toHaveLength(1)
  expect(text).toMatch(/identify\(\) threw\. The call does not appear in any user's totals\./)
  expect(text).toMatch(
    /Cause: TypeError: Cannot read properties of undefined \(reading 'id'\) \(at .*terminal-child\.ts:\d+:\d+\)/,
  )
})

it('a folder that cannot be written is shown once, with the reason and the final loss', async () => {
  await chmod(dir, 0o555)
  const text = await terminalOf('read-only folder', px.url, /See https/)
  expect(text.match(/PXU_ERR_STORE_UNAVAILABLE/g)).toHaveLength(1)
  expect(text).toMatch(
    /The folder "\/srv\/app\/\.px-usage" cannot be used\. The reason: EACCES.*Give the user of this process permission/,
  )
  expect(text).toMatch(/px-usage lost 3 calls \(1 event\) of [\d-]{10} at shutdown: .*EACCES/)
})

it('what SIGTERM loses of a store that keeps nothing is shown with numbers, day and reason', async () => {
  const text = await terminalOf('SIGTERM, memory store', unused)
  expect(text).toMatch(
    /px-usage lost 3 calls \(2 events\) of [\d-]{10} at shutdown: .*ECONNREFUSED.*; the memory store is not durable\. Use fileStore\(\)/,
  )
})

it('nothing is shown when SIGTERM loses nothing', async () => {
  expect(await terminalOf('SIGTERM, file store', unused)).toBe('')
})
