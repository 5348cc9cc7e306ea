import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventLine, type Sender, startSender } from '../support/px-sender.ts'
import { type ScriptedPx, startScriptedPx } from '../support/scripted-px.ts'

const minute = 60_000
let px: ScriptedPx
let sender: Sender

beforeEach(async () => {
  const clock = fakeClock('2026-11-24T00:15:00Z')
  px = await startScriptedPx(clock.now)
  sender = await startSender(px.url, {}, { clock })
})
afterEach(async () => {
  await sender.close()
  await px.close()
})

/** PX keeps every second event and answers 503 to each first request; its lists come compressed. */
function compressLists(encoding: string, pack: (text: string) => Buffer): void {
  px.script = ({ method, n, res, store, answer, work }) => {
    if (method === 'POST' && n <= 4) {
      if (n % 2 === 0) store()
      return answer(503)
    }
    if (method === 'GET') {
      const { writeHead, end } = res
      res.writeHead = ((status: number) =>
        writeHead.call(res, status, { 'content-encoding': encoding })) as typeof writeHead
      res.end = ((text: string) => end.call(res, pack(text), 'utf8')) as typeof end
    }
    work()
  }
}

it.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['br, gzip', (text: string) => gzipSync(brotliCompressSync(text))],
])('a list that comes compressed with %s confirms what arrived and what did not', async (encoding, pack) => {
  compressLists(encoding, pack)
  await sender.put(...['a', 'b', 'c', 'd'].map((id) => eventLine(id)))
  await sender.delivery.run()
  await sender.pass(20 * minute, minute)
  expect(sender.store.outboxCounts()).toMatchObject({ delivered: 4, unconfirmed: 0 })
  expect(px.ids().sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(px.count('GET')).toBeGreaterThan(0)
})

it('a list in an unknown encoding leaves lines unconfirmed, is reported, and causes no resend', async () => {
  compressLists('zstd', () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2]))
  await sender.put(...['a', 'b', 'c', 'd'].map((id) => eventLine(id)))
  await sender.delivery.run()
  await sender.pass(60 * minute, minute)
  expect(sender.store.outboxCounts()).toMatchObject({ delivered: 0, unconfirmed: 4 })
  expect(px.count('POST')).toBe(4)
  const [error] = sender.errors.filter(({ code }) => code === 'PXU_ERR_DELIVERY_LOOKUP_FAILED')
  expect(error?.message).toContain('PX returned a list that is compressed with "zstd".')
})
