import { expect, it } from 'vitest'
import { findRequest, isMethod } from '../../../packages/cli/src/logs/request-text.ts'

function pathOf(request: string): string | undefined {
  const parts = { methodEnd: 0, pathStart: 0, pathEnd: 0, targetEnd: 0 }
  const text = `"${request}" "/other HTTP/1.1"`
  return findRequest(text, 1, 1 + request.length, parts)
    ? text.slice(parts.pathStart, parts.pathEnd)
    : undefined
}

it.each([
  ['GET / HTTP/1.1', '/'],
  ['GET /a?b=/c HTTP/1.1', '/a'],
  ['GET http://host/a HTTP/1.1', '/a'],
  ['GET http://host HTTP/1.1', ''],
  ['PURGE /a', '/a'],
  ['M-SEARCH * HTTP/1.1', '*'],
  ['get / HTTP/1.1', undefined],
  ['GET', undefined],
  ['GET  HTTP/1.1', undefined],
  ['GET users HTTP/1.1', undefined],
  ['-', undefined],
  ['', undefined],
])('findRequest(%j) finds the path %j', (request, path) => {
  expect(pathOf(request)).toBe(path)
})

it('isMethod() accepts names in upper case only', () => {
  expect(['GET', 'M-SEARCH', 'get', '', 'A B'].map(isMethod)).toEqual([true, true, false, false, false])
})
