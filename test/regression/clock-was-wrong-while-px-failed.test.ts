import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type Store } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { eventLine, type Sender, startSender } from '../support/px-sender.ts'
import { quickDisk } from '../support/quick-disk.ts'
import { type ScriptedPx, startScriptedPx } from '../support/scripted-px.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

let dir: string
let px: ScriptedPx
let sender: Sender | undefined

beforeEach(async () => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-due-'))
  px = await startScriptedPx(() => 0)
})
afterEach(async () => {
  await sender?.close()
  sender = undefined
  await px.close()
  fs.rmSync(dir, { recursive: true })
})

/** Until all is delivered, at most `withinMs`. */
async function delivers({ store, pass }: Sender, withinMs: number): Promise<void> {
  for (let passed = 0; passed < withinMs; passed += minute) {
    const { closed, delivered } = store.outboxCounts()
    if (delivered === closed) return
    await pass(minute)
  }
  expect(store.outboxCounts()).toMatchObject({ pending: 0, unconfirmed: 0 })
}

const works: ScriptedPx['script'] = (exchange) => exchange.work()
const refusesAll: ScriptedPx['script'] = ({ answer }) => answer(400)
const thirty = () => Array.from({ length: 30 }, (_, index) => eventLine(`line-${index}`))

const stores: Array<[string, () => Store]> = [
  ['memory', () => memoryStore()],
  ['file', () => fileStoreOn(quickDisk, { dir })],
]
const errors = [
  ['a quarter of a day ahead', day / 4],
  ['400 days ahead', 400 * day],
  ['400 days behind', -400 * day],
] as const

describe.each(stores)('with the %s store and a wall clock', (_name, makeStore) => {
  it.each(errors)('%s while PX asked for patience: sends soon after both are right', async (_, ms) => {
    sender = await startSender(px.url, {}, { store: makeStore() })
    px.script = ({ answer }) => answer(429)
    sender.clock.step(ms)
    await sender.put(eventLine('a'), eventLine('b'))
    await sender.delivery.run()
    await sender.pass(hour, minute)
    sender.clock.step(-ms)
    px.script = works
    await delivers(sender, 20 * minute)
    expect(px.ids().sort()).toEqual(['a', 'b'])
  })

  it.each(errors)('%s when a reply was missing: looks up after lookUpAfterMs', async (_, ms) => {
    sender = await startSender(px.url, {}, { store: makeStore() })
    px.script = (exchange) => {
      exchange.store()
      exchange.res.socket?.destroy()
    }
    sender.clock.step(ms)
    await sender.put(eventLine('a'), eventLine('b'))
    await sender.delivery.run()
    sender.clock.step(-ms)
    px.script = works
    await delivers(sender, 22 * minute)
    expect(px.ids().sort()).toEqual(['a', 'b'])
  })

  it.each(errors)('%s after a reply was missing: does not look up too early', async (_, ms) => {
    sender = await startSender(px.url, {}, { store: makeStore() })
    px.script = ({ res }) => void res.socket?.destroy()
    await sender.put(eventLine('a'))
    await sender.delivery.run()
    sender.clock.step(ms)
    px.script = works
    await sender.pass(14 * minute, minute)
    expect(px.count('GET')).toBe(0)
    await delivers(sender, 10 * minute)
    expect(px.ids()).toEqual(['a'])
  })

  it.each(errors)('%s while PX refused everything: tries again within the hour', async (_, ms) => {
    sender = await startSender(px.url, {}, { store: makeStore() })
    px.script = refusesAll
    sender.clock.step(ms)
    await sender.put(...thirty())
    await sender.delivery.run()
    expect(sender.delivery.state().stopped).toContain('400')
    sender.clock.step(-ms)
    px.script = works
    await delivers(sender, 70 * minute)
    expect(px.ids()).toHaveLength(30)
  })
})

it.each(errors)(
  'a wall clock %s while PX refused everything: tries again within the hour after a restart',
  async (_, ms) => {
    const before = await startSender(px.url, {}, { store: fileStoreOn(quickDisk, { dir }) })
    px.script = refusesAll
    before.clock.step(ms)
    await before.put(...thirty())
    await before.delivery.run()
    await before.close()
    before.clock.step(-ms)
    px.script = works
    sender = await startSender(px.url, {}, { store: fileStoreOn(quickDisk, { dir }), clock: before.clock })
    await sender.delivery.run()
    await delivers(sender, 70 * minute)
    expect(px.ids()).toHaveLength(30)
  },
)
