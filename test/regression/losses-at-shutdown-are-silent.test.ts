import { createMeter, memoryStore, type UsageError } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { beforeEach, expect, it, vi } from 'vitest'
import { startScriptedPx } from '../support/scripted-px.ts'

const call = { identity: { userId: 'ann' }, method: 'GET', route: '/', statusCode: 200, aborted: false }
const keys = { apiKey: 'key', productKey: 'AP-TEST-2' }
const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
beforeEach(() => void emitWarning.mockClear())

function warnings(): string[] {
  return emitWarning.mock.calls.map(([message]) => String(message).replace(/ See https.*/, ''))
}

it.each<[string, (answer: (status: number, body?: string) => void) => void, RegExp, timeoutMs: number]>([
  ['a key that PX refuses', (answer) => answer(401, '{"message":"Unauthorized"}'), /401/, 10_000],
  ['a PX that fails', (answer) => answer(503), /503/, 10_000],
  [
    'a PX that does not return',
    () => {},
    /: the 300 ms of close\(\) \(timeoutMs\) were not enough; the memory/,
    300,
  ],
])(
  'close() of a memory store with %s reports what is lost, and why',
  async (_what, script, reason, timeoutMs) => {
    const px = await startScriptedPx()
    px.script = ({ answer }) => script(answer)
    const meter = createMeter({ ...keys, baseUrl: px.url, store: memoryStore() })
    for (let i = 0; i < 3; i++) meter.record(call)
    meter.track('Report Made', { userId: 'ann' })
    const { lost } = await meter.close({ timeoutMs })
    expect(lost).toEqual({ calls: 0, lines: 3 })
    const text = warnings().find((message) => message.startsWith('px-usage lost')) ?? ''
    expect(text).toMatch(/^px-usage lost 3 calls \(3 events\) of \d{4}-\d\d-\d\d at shutdown: /)
    expect(text).toMatch(reason)
    expect(text).toMatch(/the memory store is not durable\. Use fileStore\(\)/)
    await px.close()
  },
)

it('close() reports calls that waited for identify(), to onError if there is one', async () => {
  const errors: UsageError[] = []
  const { delivery } = inMemoryDelivery()
  const meter = createMeter({ delivery, store: memoryStore(), onError: (error) => errors.push(error) })
  meter.record({ ...call, identity: new Promise(() => {}) as never })
  expect(await meter.close({ timeoutMs: 20 })).toMatchObject({ lost: { calls: 1, lines: 0 } })
  expect(errors.map(({ code }) => code)).toEqual(['PXU_ERR_METER_LOST'])
  expect(errors[0]?.message).toMatch(/px-usage lost 1 call at shutdown: 1 call waited for identify\(\)/)
  expect(warnings()).toEqual([])
})

it('close() of a dry run loses nothing: what was never to be sent is discarded', async () => {
  const meter = createMeter({ dryRun: true, store: memoryStore() })
  meter.record(call)
  expect(await meter.close()).toEqual({
    sent: { lines: 0 },
    kept: { calls: 0, lines: 0 },
    lost: { calls: 0, lines: 0 },
    discarded: { calls: 0, lines: 2 },
  })
  meter.record(call)
  expect(warnings()).toEqual([])
})

it('a call after close() is warned of once', async () => {
  const { delivery } = inMemoryDelivery()
  const meter = createMeter({ delivery, store: memoryStore() })
  await meter.close()
  for (let i = 0; i < 3; i++) meter.record(call)
  expect(meter.stats().calls.afterClose).toBe(3)
  expect(warnings()).toEqual([expect.stringContaining('A call finished after the meter was closed')])
})
