import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, memoryStore, type OutboxLine, type Store } from '@px-usage/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventLine, type Sender, startSender } from '../../support/px-sender.ts'
import { type Exchange, type ScriptedPx, startScriptedPx } from '../../support/scripted-px.ts'

const page = '<!DOCTYPE html><html><title>Not found</title></html>'
let dir: string
let px: ScriptedPx
const senders: Sender[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-texts-'))
  px = await startScriptedPx()
})
afterEach(async () => {
  for (const sender of senders.splice(0)) await sender.close()
  await px.close()
  await rm(dir, { recursive: true })
})

/** What is reported when the events are sent, without the address of the README. */
async function textsOf({
  store = fileStore({ dir }),
  baseUrl = px.url,
  lines = [eventLine('a', { user: 'ann' }), eventLine('b', { user: 'bob' })],
  script,
}: {
  store?: Store
  baseUrl?: string
  lines?: OutboxLine[]
  script?: (exchange: Exchange) => void
} = {}): Promise<string[]> {
  if (script !== undefined) px.script = script
  const sender = await startSender(baseUrl, {}, { store })
  senders.push(sender)
  await sender.put(...lines)
  await sender.delivery.run()
  await sender.pass(60_000, 1_000)
  return sender.errors.map(({ message }) =>
    message.replaceAll(dir, '.px-usage').replace(/ See https:\S+$/, ''),
  )
}

describe('the report of a PX that takes nothing names', () => {
  it.each([
    [401, '{"message":"Unauthorized"}', 'Check PX_API_KEY.'],
    [401, page, 'Check PX_API_KEY.'],
    [403, '{"message":"Forbidden"}', 'Check PX_API_KEY and its Write permission.'],
    [403, page, 'Check PX_API_KEY.'],
  ])('the key alone for a %d with %j', async (status, body, cure) => {
    expect(await textsOf({ script: ({ answer }) => answer(status, body) })).toEqual([
      `PX refuses the API key (${status} at ${px.url}). 2 events are kept in .px-usage; next try in 5 min. ${cure}`,
    ])
  })

  it('a page in place of PX, without quoting it', async () => {
    expect(await textsOf({ script: ({ answer }) => answer(404, page) })).toEqual([
      `PX at ${px.url}/v1 returned 404 with an HTML page, so this is not PX. 2 events are kept in .px-usage; next try in 5 min. Check baseUrl (PX_BASE_URL).`,
    ])
  })

  it('what a path that PX does not have and a redirect returned, and the address', async () => {
    const [text] = await textsOf({ script: ({ answer }) => answer(405, '{"error":"no"}') })
    expect(text).toMatch(`PX at ${px.url}/v1 returned 405: {"error":"no"}. 2 events are kept`)
    const [redirect] = await textsOf({
      store: memoryStore(),
      script: ({ answer }) => answer(302, '', { location: '/login' }),
    })
    expect(redirect).toBe(
      `PX at ${px.url}/v1 returned 302, a redirect, which is not followed. 2 events wait in memory and are lost if the process exits; next try in 5 min. Check baseUrl (PX_BASE_URL).`,
    )
  })

  it('since when a connection has failed, what waits, and the next try', async () => {
    const [text, ...more] = await textsOf({ baseUrl: 'http://127.0.0.1:9', lines: [eventLine('a')] })
    expect(text).toMatch(
      /^The request to PX failed: connect ECONNREFUSED 127\.0\.0\.1:9\. PX has failed since 2026-11-24 00:15 UTC; 1 event is kept in \.px-usage; next try in \d s\.$/,
    )
    expect(more).toEqual([])
  })

  it('the same again each day while it lasts', async () => {
    const texts = await textsOf({ baseUrl: 'http://127.0.0.1:9', store: memoryStore() })
    const [sender] = senders as [Sender]
    await sender.pass(24 * 3_600_000 + 300_000, 60_000)
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain('2 events wait in memory and are lost if the process exits')
    expect(sender.errors.at(-1)?.message).toContain('since 2026-11-24 00:15 UTC')
  })

  it('no page of a PX that fails', async () => {
    const [text] = await textsOf({
      script: ({ answer }) => answer(503, page),
      lines: Array.from({ length: 20 }, (_, i) => eventLine(`${i}`)),
    })
    expect(text).toMatch(`PX at ${px.url}/v1 returned 503 with an HTML page. PX has failed since`)
  })

  it('the product key when PX refuses each event', async () => {
    const [text] = await textsOf({
      lines: Array.from({ length: 30 }, (_, i) => eventLine(`${i}`)),
      script: ({ answer }) => answer(400, '{"message":"propertyKey"}'),
    })
    expect(text).toBe(
      'PX refuses every event. PX returned 400: {"message":"propertyKey"}. 30 events are kept in .px-usage; next try in 5 min. Check productKey (PX_PRODUCT_KEY).',
    )
  })
})

describe('the report of a refused event names', () => {
  it('the event, its user, the reply, and that it is kept and not sent again', async () => {
    expect(
      await textsOf({
        lines: [eventLine('a', { user: 'ann' })],
        script: ({ answer }) => answer(400, '{"message":"date"}'),
      }),
    ).toEqual([
      'PX refused the event "dailyApiCalls" of the user "ann" for 2026-11-23. PX returned 400: {"message":"date"}. It is kept in .px-usage (meter.rejected()) and is not sent again.',
    ])
  })

  it('that it stays in memory only, and quotes no page and no long reply', async () => {
    const lines = [eventLine('a', { user: 'ann' })]
    const [text] = await textsOf({ store: memoryStore(), lines, script: ({ answer }) => answer(400, page) })
    expect(text).toBe(
      `PX refused the event "dailyApiCalls" of the user "ann" for 2026-11-23. PX at ${px.url}/v1 returned 400 with an HTML page. It stays in memory until the process exits (meter.rejected()) and is not sent again.`,
    )
    const [long] = await textsOf({ lines, script: ({ answer }) => answer(400, 'x'.repeat(5_000)) })
    expect((long as string).length).toBeLessThan(520)
  })
})
