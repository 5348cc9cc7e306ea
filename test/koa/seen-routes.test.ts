import type { Context } from 'koa'
import { describe, expect, it } from 'vitest'
import { begin, knownOf, noteRoute, respondingRoute, seenOf } from '../../packages/koa/src/seen-routes.ts'

interface Response {
  body: unknown
  status: number
}

function context(response: Response = { body: undefined, status: 404 }, res = { headersSent: false }) {
  return { req: {}, res, response } as unknown as Context
}

it('each request has one record, which is kept for all of its contexts', () => {
  const ctx = context()
  expect(knownOf(ctx)).toBeUndefined()
  const seen = seenOf(ctx)
  expect(seenOf({ ...ctx, app: {} } as Context)).toBe(seen)
  expect(knownOf(ctx)).toBe(seen)
  expect(seenOf(context())).not.toBe(seen)
})

describe('the route that responded', () => {
  it('is the last one that ran when none before it responded', () => {
    const ctx = context()
    const seen = seenOf(ctx)
    noteRoute(seen, begin(seen, ctx), '/a')
    noteRoute(seen, begin(seen, ctx), '/b')
    expect(respondingRoute(seen)).toBe('/b')
  })

  it('is an earlier one whose response was left alone', () => {
    const response = { body: undefined as unknown, status: 404 }
    const ctx = context(response)
    const seen = seenOf(ctx)
    noteRoute(seen, begin(seen, ctx), '/a')
    Object.assign(response, { body: 'from a', status: 200 })
    noteRoute(seen, begin(seen, ctx), '/b')
    expect(respondingRoute(seen)).toBe('/a')
    Object.assign(response, { body: 'from b' })
    expect(respondingRoute(seen)).toBe('/b')
  })

  it.each([204, 205, 304])('is an earlier one whose body Koa emptied for the status %i', (status) => {
    const response = { body: 'from a' as unknown, status }
    const ctx = context(response)
    const seen = seenOf(ctx)
    noteRoute(seen, begin(seen, ctx), '/a')
    noteRoute(seen, begin(seen, ctx), '/b')
    response.body = null
    expect(respondingRoute(seen)).toBe('/a')
  })

  it('is not one that runs after the response was sent', () => {
    const res = { headersSent: false }
    const ctx = context(undefined, res)
    const seen = seenOf(ctx)
    noteRoute(seen, begin(seen, ctx), '/a')
    res.headersSent = true
    noteRoute(seen, begin(seen, ctx), '/b')
    expect(respondingRoute(seen)).toBe('/a')
  })
})
