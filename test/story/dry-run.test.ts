import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, fileStore, type Meter, memoryStore } from '@px-usage/core'
import { fakeClock } from '@px-usage/core/testing'
import { expect, it } from 'vitest'
import { startScriptedPx } from '../support/scripted-px.ts'

const productKey = 'AP-DRYRUN-2'
const hourMs = 3_600_000

it.each(['memory', 'file'])(
  'dryRun: outbox() of a %s store has the bodies that would be sent, also after a restart',
  async (kind) => {
    const px = await startScriptedPx()
    const dir = await mkdtemp(join(tmpdir(), 'px-usage-dry-'))
    const store = () => (kind === 'file' ? fileStore({ dir }) : memoryStore())
    const clock = fakeClock('2026-11-23T10:00:00Z')
    const calls = (meter: Meter) => {
      for (const userId of ['ann', 'bob', 'ann']) {
        const identity = { userId, accountId: 'acme' }
        meter.record({ identity, method: 'GET', route: '/a', statusCode: 200, aborted: false })
      }
      meter.track('Report Made', { userId: 'ann' }, { pages: 3 })
    }
    const bodiesOf = async (meter: Meter) => {
      const bodies = []
      for await (const { body } of meter.outbox()) bodies.push(JSON.parse(body))
      return bodies
    }
    let dry = createMeter({
      productKey,
      baseUrl: px.url,
      clock,
      dryRun: true,
      store: store(),
      attributes: { account: { apiCalls: 'dailyApiCalls' } },
    })
    calls(dry)
    const preview = await dry.preview()
    for (let hour = 0; hour < 25; hour++) {
      await clock.advance(hourMs)
      await dry.flush()
    }
    const bodies = await bodiesOf(dry)
    expect(bodies).toEqual(
      expect.arrayContaining([
        ...preview,
        { id: 'acme', propertyKeys: [productKey], customAttributes: { dailyApiCalls: 3 } },
        expect.objectContaining({
          eventName: 'Report Made',
          attributes: expect.objectContaining({ pages: 3 }),
        }),
      ]),
    )
    expect(bodies).toHaveLength(preview.length + 2)
    expect(px.requests).toEqual([])
    if (kind === 'file') {
      await dry.close()
      dry = createMeter({
        productKey,
        baseUrl: px.url,
        clock,
        dryRun: true,
        store: store(),
      })
      expect(await bodiesOf(dry)).toEqual(bodies)
    }
    await dry.close()
    await px.close()
    await rm(dir, { recursive: true })
  },
)
