import type { IncomingMessage, ServerResponse } from 'node:http'
import { createMeter, type FinishedCall, type Meter, memoryStore, type UsageError } from '@px-usage/core'
import { guarded, observeCall, parseUsageOptions } from '@px-usage/http'
import fc from 'fast-check'
import { expect, it, onTestFinished, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('get')
    },
    getPrototypeOf() {
      throw new Error('getPrototypeOf')
    },
    has() {
      throw new Error('has')
    },
  },
)

const thrown: [string, unknown][] = [
  ['an error', new Error('enter')],
  ['nothing', undefined],
  ['null', null],
  ['a symbol', Symbol('enter')],
  ['a text', 'enter'],
  ['an object without a prototype', Object.create(null)],
  ['a proxy that throws when it is looked at', hostile],
]

it.each(thrown)('a reader that throws %s harms no request, and the calls count', async (_about, error) => {
  const { meter, calls } = recordingMeter()
  const { options } = parseUsageOptions({ meter, identify: () => ({ userId: 'ann' }) })
  const reader = {
    enter() {
      throw error
    },
    route: () => '/never/asked',
  }
  const server = await startServer((req, res) => {
    observeCall(req, res, req, { meter, options, reader })
    res.end('hello')
  })
  onTestFinished(() => server.close())
  expect((await send(server.url)).body).toBe('hello')
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  expect(calls).toMatchObject([{ route: undefined, statusCode: 200, aborted: false }])
})

it.each(thrown)('route() that throws %s leaves the call without a route', async (_about, error) => {
  const { meter, calls } = recordingMeter()
  const { options } = parseUsageOptions({ meter, identify: () => ({ userId: 'ann' }) })
  const reader = {
    route() {
      throw error
    },
  }
  const server = await startServer((req, res) => {
    observeCall(req, res, req, { meter, options, reader })
    res.end('hello')
  })
  onTestFinished(() => server.close())
  expect((await send(server.url)).body).toBe('hello')
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  expect(calls[0]?.route).toBeUndefined()
})

it('a meter reports the first failure of an adapter, and only that', async () => {
  const reported: UsageError[] = []
  const meter = createMeter({ dryRun: true, store: memoryStore(), onError: (error) => reported.push(error) })
  onTestFinished(async () => void (await meter.close()))
  for (const [, error] of thrown) meter.adapterFailed(error)
  expect(reported).toMatchObject([{ code: 'PXU_ERR_ADAPTER_FAILED', cause: thrown[0]?.[1] }])
})

it('a meter that throws harms no request', async () => {
  const fail = () => {
    throw new Error('broken meter')
  }
  const meter = { record: fail, ignore: fail, callbackFailed: fail, adapterFailed: fail } as unknown as Meter
  const { options } = parseUsageOptions<IncomingMessage>({ meter, identify: () => ({ userId: 'ann' }) })
  const server = await startServer((req, res) => {
    observeCall(req, res, req, { meter, options, reader: { route: fail } })
    res.end('hello')
  })
  onTestFinished(() => server.close())
  for (let i = 0; i < 3; i++) expect((await send(server.url)).body).toBe('hello')
})

it('a call whose properties cannot be read counts with the method _OTHER', async () => {
  const calls: FinishedCall[] = []
  const { meter } = recordingMeter()
  meter.record = (call) => void calls.push(call)
  const { options } = parseUsageOptions<IncomingMessage>({ meter, identify: () => ({ userId: 'ann' }) })
  const observer = { meter, options, reader: { route: () => undefined } }
  observeCall(hostile as IncomingMessage, hostile as ServerResponse, hostile as IncomingMessage, observer)
  await vi.waitFor(() => expect(calls).toHaveLength(1))
  expect(calls).toMatchObject([{ method: '_OTHER', route: undefined, statusCode: 0 }])
})

it('guarded() passes on this, arguments and result', () => {
  const sum = guarded(function (this: { base: number }, a: number, b: number) {
    return this.base + a + b
  })
  expect(sum.call({ base: 1 }, 2, 3)).toBe(6)
})

it('guarded() returns what the fallback returns, and never throws', () => {
  const fail = () => {
    throw hostile
  }
  expect(guarded(fail)()).toBeUndefined()
  expect(guarded(fail, () => 'fallback')()).toBe('fallback')
  expect(guarded(fail, fail)()).toBeUndefined()
})

it('guarded() warns once in a process', async () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => emitWarning.mockRestore())
  vi.resetModules()
  const { guarded: fresh } = await import('../../packages/http/src/guard.ts')
  const fail = fresh(() => {
    throw new Error('accessor')
  })
  for (let i = 0; i < 3; i++) fail()
  expect(emitWarning).toHaveBeenCalledTimes(1)
  expect(emitWarning).toHaveBeenCalledWith(
    expect.stringContaining('px-usage failed during a request'),
    expect.objectContaining({
      code: 'PXU_ERR_ADAPTER_FAILED',
      detail: expect.stringContaining('accessor') as string,
    }),
  )
})

const throwing = () => {
  throw new Error('call')
}

/** Stands for what fast-check must not look at itself. */
const marks: Record<string, unknown> = { '@proxy': hostile, '@throwing': throwing }
const names = [
  'socket',
  'stream',
  'method',
  'on',
  'finished',
  'destroyed',
  'headersSent',
  'statusCode',
].concat(['listenerCount', 'writableFinished', 'removeListener', 'writableEnded', 'bytesWritten', 'rstCode'])
const { value: foreign } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.anything({ maxDepth: 1 }),
    fc.constantFrom(...Object.keys(marks)),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom(...names, '@getter'), tie('value')),
}))

/** The value with its marks replaced, and every other object frozen. */
function shaped(value: unknown): unknown {
  if (typeof value === 'string') return marks[value] ?? value
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== null) return value
  const entries = Object.entries(value).map(([name, member]) => [name, shaped(member)] as const)
  const object = Object.fromEntries(entries)
  if ('@getter' in object) {
    for (const name of names) {
      if (!(name in object)) Object.defineProperty(object, name, { get: throwing })
    }
  }
  return entries.length % 2 === 0 ? Object.freeze(object) : object
}

it('no request, response or source of a foreign shape makes it throw', async () => {
  const { meter } = recordingMeter()
  const { options } = parseUsageOptions<unknown>({ meter, identify: () => ({ userId: 'ann' }) })
  const reader = { enter: (source: unknown) => void (source as { a: { b: unknown } }).a.b, route: String }
  fc.assert(
    fc.property(foreign, foreign, foreign, (req, res, source) => {
      const [request, response] = [shaped(req) as IncomingMessage, shaped(res) as ServerResponse]
      observeCall(request, response, shaped(source), { meter, options, reader })
    }),
    { numRuns: 3_000 },
  )
  // What comes in later turns must not throw either.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
}, 60_000)
