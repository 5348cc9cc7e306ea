import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { parseUsageOptions, type UsageOptions } from '../../packages/http/src/call-options.ts'
import { ObservedCall } from '../../packages/http/src/observed-call.ts'
import type { CallReader } from '../../packages/http/src/observer.ts'
import { recordingMeter } from '../support/recording-meter.ts'

function observed(
  more: Partial<UsageOptions<object>> = {},
  { reader = { route: () => '/users/:id' }, req = {}, res = {} }: Given = {},
) {
  const { meter, calls } = recordingMeter()
  const failed = vi.spyOn(meter, 'callbackFailed')
  const ignored = vi.spyOn(meter, 'ignore')
  const { options } = parseUsageOptions<object>({ meter, identify: () => ({ userId: 'ann' }), ...more })
  const call = (source: object = {}) =>
    new ObservedCall(
      { method: 'GET', ...req } as IncomingMessage,
      { statusCode: 200, headersSent: true, ...res } as ServerResponse,
      source,
      { meter, options, reader },
    )
  return { call, calls, failed, ignored }
}
interface Given {
  reader?: CallReader<object>
  req?: object
  res?: object
}

describe('the name of a call', () => {
  it('is the one that the option endpoint gives, before the route', () => {
    const { call, calls } = observed({ endpoint: () => 'search' })
    call().finished(false)
    expect(calls).toMatchObject([{ route: 'search', identity: { userId: 'ann' } }])
  })

  it('is the route when endpoint gives nothing, throws or returns a promise', () => {
    const fails = () => {
      throw new Error('This callback always fails.')
    }
    for (const endpoint of [() => undefined, () => '', fails, async () => 'late']) {
      const { call, calls } = observed({ endpoint: endpoint as () => string })
      call().finished(false)
      expect(calls).toMatchObject([{ route: '/users/:id' }])
    }
  })

  it('is the one of an inner app, as the reader of the outer app completes it', () => {
    const reader = { route: () => '/outer', around: (_: object, inner: string) => `/mount${inner}` }
    const { call, calls } = observed({}, { reader })
    const outer = call()
    outer.noteInner(observed().call())
    outer.finished(false)
    expect(calls).toMatchObject([{ route: '/mount/users/:id' }])
  })

  it('is unknown when the reader throws or could not note the request', () => {
    const route = vi.fn(() => {
      throw new Error('This reader always fails.')
    })
    const { call, calls } = observed({}, { reader: { route } })
    call().finished(false)
    const notEntered = call()
    notEntered.enterFailed()
    notEntered.finished(false)
    expect(calls.map((each) => each.route)).toEqual([undefined, undefined])
    expect(route).toHaveBeenCalledOnce()
  })
})

describe('the status of an aborted call', () => {
  it('is 0 until the head of the response was sent', () => {
    const { call, calls } = observed({}, { res: { statusCode: 404, headersSent: false } })
    call().finished(true)
    expect(calls).toMatchObject([{ statusCode: 0, aborted: true }])
  })

  it('is the one of the moment in which the connection was lost', () => {
    const { call, calls } = observed({}, { res: { statusCode: 206 } })
    const aborted = call()
    aborted.lost()
    aborted.res.statusCode = 500
    aborted.finished(true)
    expect(calls).toMatchObject([{ statusCode: 206 }])
  })

  it('is 0 when the connection sent nothing since an upload began', () => {
    const socket = { bytesWritten: 120 }
    const { call, calls } = observed({}, { req: { method: 'PUT', socket }, res: { statusCode: 400, socket } })
    const cut = call()
    cut.noteSentBefore()
    cut.finished(true)
    const sent = call()
    sent.noteSentBefore()
    socket.bytesWritten += 30
    sent.finished(true)
    expect(calls.map(({ statusCode }) => statusCode)).toEqual([0, 400])
  })
})

describe('the callbacks of the app', () => {
  it('ignore a call by pattern or by function', () => {
    const byPattern = observed({ ignore: ['GET /users/:id'] })
    byPattern.call().finished(false)
    const byFunction = observed({ ignore: () => true })
    byFunction.call().finished(false)
    expect([byPattern.calls, byFunction.calls]).toEqual([[], []])
    expect(byPattern.ignored).toHaveBeenCalledOnce()
    expect(byFunction.ignored).toHaveBeenCalledOnce()
  })

  it('are reported by name when they throw or return a promise, and the call is counted', () => {
    const broken = new Error('This callback always fails.')
    const properties = () => {
      throw broken
    }
    const { call, calls, failed } = observed({ properties, ignore: (async () => true) as never })
    call().finished(false)
    expect(calls).toMatchObject([{ route: '/users/:id', properties: undefined }])
    expect(failed.mock.calls).toEqual([
      ['ignore', expect.any(TypeError)],
      ['properties', broken],
    ])
  })
})

it('a request of a strange shape is counted with what is known of it', () => {
  const res = {
    get statusCode() {
      throw new Error('This getter always fails.')
    },
  }
  const { meter, calls } = recordingMeter()
  const { options } = parseUsageOptions<object>({ meter, identify: () => ({ userId: 'ann' }) })
  const reader = { route: () => '/a' }
  new ObservedCall({} as never, res as never, {}, { meter, options, reader }).finished(false)
  expect(calls).toMatchObject([{ method: '_OTHER', route: undefined, statusCode: 0 }])
})
