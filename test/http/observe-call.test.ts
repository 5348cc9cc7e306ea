import { afterEach, expect, it, vi } from 'vitest'
import { parseUsageOptions } from '../../packages/http/src/call-options.ts'
import { observeCall } from '../../packages/http/src/observe-call.ts'
import type { CallReader } from '../../packages/http/src/observer.ts'
import { type RunningServer, send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

let server: RunningServer
afterEach(() => server.close())

async function observe(reader: CallReader<object>, times = 1) {
  const { meter, calls } = recordingMeter()
  const adapterFailed = vi.spyOn(meter, 'adapterFailed')
  const { options } = parseUsageOptions<object>({ meter, identify: () => ({ userId: 'ann' }) })
  server = await startServer((req, res) => {
    for (let turn = 0; turn < times; turn += 1) observeCall(req, res, req, { meter, options, reader })
    expect(calls).toEqual([])
    res.end('ok')
  })
  const response = await send(server.url)
  await vi.waitUntil(() => calls.length > 0)
  return { response, calls, adapterFailed }
}

it('records the call once the response is over, with what the reader noted', async () => {
  const route = vi.fn((_req: object, _status: number, entered: unknown) => `/${entered}`)
  const { calls } = await observe({ enter: () => 'noted', route })
  expect(calls).toMatchObject([{ method: 'GET', route: '/noted', statusCode: 200, aborted: false }])
  expect(route).toHaveBeenCalledOnce()
})

it('records a call once for a meter, however often its middleware is mounted', async () => {
  const { calls } = await observe({ route: () => '/a' }, 3)
  expect(calls).toHaveLength(1)
})

it('counts a call whose reader throws as unmatched, and reports the failure', async () => {
  const broken = new Error('This reader always fails.')
  const enter = () => {
    throw broken
  }
  const { response, calls, adapterFailed } = await observe({ enter, route: () => '/never' })
  expect(response).toMatchObject({ status: 200, body: 'ok' })
  expect(calls).toMatchObject([{ route: undefined, statusCode: 200 }])
  expect(adapterFailed).toHaveBeenCalledWith(broken)
})

it('counts a call whose response cannot be watched', async () => {
  server = await startServer(() => {})
  const { meter, calls } = recordingMeter()
  const adapterFailed = vi.spyOn(meter, 'adapterFailed')
  const { options } = parseUsageOptions<object>({ meter, identify: () => null })
  const res = {
    on() {
      throw new Error('This response always fails.')
    },
  }
  observeCall({ method: 'PUT' } as never, res as never, {}, { meter, options, reader: { route: () => '/a' } })
  expect(calls).toEqual([])
  await vi.waitUntil(() => calls.length > 0)
  expect(calls).toMatchObject([{ method: 'PUT', route: '/a' }])
  expect(adapterFailed).toHaveBeenCalledOnce()
})
