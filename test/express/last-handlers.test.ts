import type { RequestHandler } from 'express'
import { expect, it } from 'vitest'
import { isEnding, noteIfEnding } from '../../packages/express/src/last-handlers.ts'

const ends: RequestHandler = (_req, res) => void res.json({})
const passes: RequestHandler = (_req, _res, next) => next()

function isEndingWith(...handlers: Array<[method: string | undefined, handle: unknown]>): boolean {
  const route = { path: '/', stack: handlers.map(([method, handle]) => ({ method, handle })) }
  noteIfEnding(route)
  return isEnding(route)
}

it('a route ends its requests if the last handler for each method gets no next', () => {
  expect(isEndingWith(['get', ends])).toBe(true)
  expect(isEndingWith(['get', passes], ['get', ends])).toBe(true)
  expect(isEndingWith(['get', async (_req: unknown, res: { end(): void }) => res.end()])).toBe(true)
  expect(isEndingWith(['get', ends], ['get', passes])).toBe(false)
  expect(isEndingWith(['get', passes], ['post', ends])).toBe(false)
  expect(isEndingWith([undefined, passes], ['get', ends])).toBe(false)
  expect(isEndingWith([undefined, ends])).toBe(true)
  expect(isEndingWith()).toBe(false)
})

it('a route that gets a further handler later is not known to end its requests', () => {
  const route = { path: '/', stack: [{ method: 'get', handle: ends }] }
  noteIfEnding(route)
  route.stack.push({ method: 'get', handle: passes })
  expect(isEnding(route)).toBe(false)
  route.stack.pop()
  expect(isEnding(route)).toBe(true)
  route.stack[0] = { method: 'get', handle: passes }
  expect(isEnding(route)).toBe(false)
  expect([isEnding(undefined), isEnding({ path: '/', stack: [] })]).toEqual([false, false])
})
