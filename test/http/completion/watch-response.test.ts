import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { isOver, watchResponse } from '../../../packages/http/src/completion/watch-response.ts'

/** A response as test kits make one, without a connection. */
function mockResponse(fields: object = {}): ServerResponse & EventEmitter {
  return Object.assign(new EventEmitter(), { writableEnded: false, ...fields }) as never
}

function endOf(res: ServerResponse) {
  const end = vi.fn<(aborted: boolean) => void>()
  watchResponse({} as IncomingMessage, res, end)
  return end
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a response without a connection', () => {
  it('is finished at its finish event', async () => {
    const res = mockResponse()
    const end = endOf(res)
    await turn()
    expect(end).not.toHaveBeenCalled()
    res.emit('finish')
    expect(end.mock.calls).toEqual([[false]])
  })

  it('is aborted when it closes before its end', () => {
    const res = mockResponse()
    const end = endOf(res)
    res.emit('close')
    expect(end.mock.calls).toEqual([[true]])
  })

  it.each([
    ['finished', { writableFinished: true }, false],
    ['destroyed', { destroyed: true }, true],
  ])('that is %s already is reported in a later step', async (_state, fields, aborted) => {
    const end = endOf(mockResponse(fields))
    expect(end).not.toHaveBeenCalled()
    await turn()
    expect(end.mock.calls).toEqual([[aborted]])
  })

  it('whose on() does nothing is looked at until it has ended', async () => {
    const res = { writableEnded: false, on() {}, listenerCount: () => 0 } as unknown as ServerResponse
    const end = endOf(res)
    await turn()
    expect(end).not.toHaveBeenCalled()
    Object.assign(res, { writableEnded: true })
    await vi.waitFor(() => expect(end.mock.calls).toEqual([[false]]))
  })
})

it('isOver() is true once the response is finished, destroyed, or lost its connection', () => {
  expect(isOver(mockResponse(), undefined)).toBe(false)
  expect(isOver(mockResponse({ writableFinished: true }), undefined)).toBe(true)
  expect(isOver(mockResponse({ destroyed: true }), undefined)).toBe(true)
  expect(isOver(mockResponse(), { destroyed: true } as never)).toBe(true)
})
