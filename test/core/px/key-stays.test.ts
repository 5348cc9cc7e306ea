import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createMeter, fileStore, type Meter } from '@px-usage/core'
import { type FakeClock, fakeClock } from '@px-usage/core/testing'
import { Agent } from 'undici'
import { expect, it } from 'vitest'
import { parseOptions } from '../../../packages/core/src/options/parse-options.ts'
import { type Exchange, startScriptedPx } from '../../support/scripted-px.ts'

const apiKey = 'kept-secret-8d1f7a'
const channels = [
  'delivered',
  'retrying',
  'unconfirmed',
  'rejected',
  'stopped',
  'looked-up',
  'duplicate',
  'refused',
  'missing',
  'attributes-read',
].map((name) => `px-usage:delivery:${name}`)
const answers: Array<[string, (exchange: Exchange) => void]> = [
  ['400', ({ answer }) => answer(400, `bad header X-APTRINSIC-API-KEY: ${apiKey}`)],
  ['401', ({ answer }) => answer(401, `{"message":"Authentication failed for ${apiKey}"}`)],
  ['302', ({ answer }) => answer(302, apiKey, { location: `/?key=${apiKey}` })],
  ['500', ({ answer }) => answer(500, `<html>${apiKey}</html>`)],
  ['a body that ends within the key', ({ answer }) => answer(400, `${'x'.repeat(65_530)}${apiKey}`)],
  ['a reset', ({ req }) => void req.socket.resetAndDestroy()],
  ['an answer that is no HTTP', ({ req }) => void req.socket.end(`nonsense ${apiKey}\r\n\r\n`)],
]

/** In steps, between which the disk is waited for. */
async function passADay(clock: FakeClock, meter: Meter): Promise<void> {
  for (let hour = 0; hour < 25; hour++) {
    await meter.flush()
    await clock.advance(3_600_000)
  }
  await meter.flush()
}

it.each(answers)('the API key never leaves its header, whatever PX returns: %s', async (_name, act) => {
  const said: unknown[] = []
  const listen = (message: unknown) => void said.push(message)
  for (const channel of channels) subscribe(channel, listen)
  const dir = await mkdtemp(join(tmpdir(), 'px-usage-key-'))
  const px = await startScriptedPx()
  px.script = act
  const meter = createMeter({
    apiKey,
    productKey: 'AP-TEST-2',
    baseUrl: px.url,
    clock: fakeClock('2026-11-23T10:00:00Z'),
    store: fileStore({ dir }),
    onError: (error) => said.push(error),
  })
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const closing = createMeter({
    apiKey: () => apiKey,
    productKey: 'AP-TEST-2',
    baseUrl: px.url,
    clock,
    store: fileStore({ dir: join(dir, 'second') }),
    onError: (error) => said.push(error),
  })
  for (const userId of ['ann', 'bob']) {
    closing.record({ identity: { userId }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  await passADay(clock, closing)
  expect(px.requests.length).toBeGreaterThan(0)
  said.push(meter, closing, meter.stats(), closing.stats(), await closing.close(), await meter.close())
  for (const channel of channels) unsubscribe(channel, listen)
  const files = await readdir(dir, { recursive: true, withFileTypes: true })
  for (const file of files.filter((entry) => entry.isFile())) {
    said.push(await readFile(join(file.parentPath, file.name), 'utf8'))
  }
  const text = said
    .map((what) => `${inspect(what, { depth: 20, showHidden: true })} ${JSON.stringify(what)}`)
    .join()
  expect(said.length).toBeGreaterThan(6)
  expect(text).not.toContain(apiKey.slice(0, 8))
  await px.close()
  await rm(dir, { recursive: true })
})

it('settings show no key when they are printed', () => {
  const settings = parseOptions({ apiKey, productKey: 'AP-TEST-2' }, {})
  expect(settings.apiKey()).toBe(apiKey)
  expect(inspect(settings, { depth: 20, showHidden: true })).not.toContain(apiKey)
})

it.each<[string, () => string]>([
  [
    'throws',
    () => {
      throw new Error(`vault: ${apiKey}`)
    },
  ],
  ['answers nothing', () => undefined as unknown as string],
  ['answers what no header can carry', () => `${apiKey}\n`.repeat(2)],
])(
  'a function given as apiKey that %s is reported without the key, and nothing is sent',
  async (_name, askKey) => {
    const px = await startScriptedPx()
    const told: unknown[] = []
    const dispatcher = new Agent()
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const dir = await mkdtemp(join(tmpdir(), 'px-usage-key-'))
    const meter = createMeter({
      apiKey: askKey,
      productKey: 'AP-TEST-2',
      baseUrl: px.url,
      clock,
      dispatcher,
      store: fileStore({ dir }),
      onError: (error) => told.push(error.code, inspect(error, { depth: 20, showHidden: true })),
    })
    meter.record({ identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
    await clock.advance(25 * 3_600_000)
    await meter.flush()
    expect(told[0]).toBe('PXU_ERR_DELIVERY_STOPPED')
    expect(told.join()).not.toContain(apiKey)
    expect(meter.stats().lines).toMatchObject({ pending: 2, unconfirmed: 0 })
    expect(px.requests).toEqual([])
    await meter.close()
    await dispatcher.close()
    await px.close()
    await rm(dir, { recursive: true })
  },
)
