import { hasNoNext } from '@px-usage/http'
import { expect, it } from 'vitest'

type Response = { end(): void }

it('a handler with the parameters before next gets no next', () => {
  expect(hasNoNext((_req: unknown, res: Response) => res.end(), 2)).toBe(true)
  expect(hasNoNext(async (_req: unknown, res: Response) => res.end(), 2)).toBe(true)
  expect(hasNoNext((ctx: { body: unknown }) => void Object.assign(ctx, { body: { ...ctx } }), 1)).toBe(true)
})

const ends = (_req: unknown, res: Response) => res.end()

it.each<[string, unknown]>([
  ['a third parameter', (_req: unknown, _res: unknown, done: () => void) => done()],
  ['too few parameters', (_req: unknown) => {}],
  ['arguments', new Function('req', 'res', 'arguments[2]()')],
  ['a method of the request', (req: { next(): void }, _res: unknown) => req.next()],
  ['a rest parameter', (_req: unknown, _res: unknown, ...rest: Array<() => void>) => rest[0]?.()],
  ['only a rest parameter', (...all: unknown[]) => all],
  ['a default', (_req: unknown, _res: unknown, next = () => {}) => next()],
  ['a bound function', ends.bind(undefined)],
  ['no function', 'ends'],
])('a handler may get next: %s', (_way, handle) => {
  expect(hasNoNext(handle, 2)).toBe(false)
})
