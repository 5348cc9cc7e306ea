import { describe, expect, it } from 'vitest'
import { createCombinedLog } from '../../../packages/cli/src/logs/combined-log.ts'
import type { LogLine } from '../../../packages/cli/src/logs/log-line.ts'

const time = '[23/Nov/2026:10:00:01 +0100]'
const start = `10.0.0.1 - ann ${time}`

function parse(line: string): LogLine | string {
  // The line is in the middle of a piece, as in a log.
  const text = `before\n${line}\nafter "x" ] "\n`
  return createCombinedLog().parse(text, 7, 7 + line.length)
}

describe('a line of the combined format', () => {
  it('has time, method, path, status and all its fields', () => {
    const line = parse(
      `${start} "GET /v1/users?page=2 HTTP/1.1" 200 512 "https://a.example/" "curl/8" key-7 9ms`,
    )
    expect(line).toMatchObject({
      atMs: Date.parse('2026-11-23T09:00:01Z'),
      method: 'GET',
      path: '/v1/users',
      status: 200,
      aborted: false,
    })
    expect((line as LogLine).fields()).toEqual({
      remote_addr: '10.0.0.1',
      remote_user: 'ann',
      request: 'GET /v1/users?page=2 HTTP/1.1',
      query: 'page=2',
      referrer: 'https://a.example/',
      user_agent: 'curl/8',
      rest: 'key-7 9ms',
    })
  })

  it('may be of the common format, with nothing after the size', () => {
    const line = parse(`${start} "POST /v1/orders HTTP/1.1" 201 -`) as LogLine
    expect(line).toMatchObject({ method: 'POST', path: '/v1/orders', status: 201 })
    expect(line.field('user_agent')).toBeUndefined()
    expect(line.field('query')).toBeUndefined()
  })

  it.each([
    ['10.0.0.1 - john doe [x] ', 'john doe [x]'],
    ['10.0.0.1 - - ', undefined],
    ['10.0.0.1 - jos\\xC3\\xA9 ', 'josé'],
    ['10.0.0.1 - a\\"b\\\\c ', 'a"b\\c'],
    ['::1 - \u00c3\u00a9 ', 'é'],
  ])('has the user of %j', (before, user) => {
    const line = parse(`${before}${time} "GET / HTTP/1.1" 200 1 "-" "-"`) as LogLine
    expect(line.field('remote_user')).toBe(user)
  })

  it('counts a client that left as aborted, without a status', () => {
    expect(parse(`${start} "GET / HTTP/1.1" 499 0 "-" "-"`)).toMatchObject({ status: 0, aborted: true })
  })

  it.each([
    ['GET https://api.example/v1/a?b HTTP/1.1', '/v1/a'],
    ['GET /a b HTTP/1.1', '/a b'],
    ['GET /a\\"b HTTP/1.1', '/a\\"b'],
    ['OPTIONS * HTTP/1.1', '*'],
    ['GET /old', '/old'],
  ])('has the path of the request %s', (request, path) => {
    expect(parse(`${start} "${request}" 200 1 "-" "-"`)).toMatchObject({ path })
  })

  it.each([
    ['', 'layout'],
    ['hello world', 'layout'],
    ['{"time":"2026-11-23T10:00:00Z"}', 'layout'],
    [`${start} "GET /v1/us`, 'layout'],
    [`10.0.0.1 - ann [31/Feb/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1`, 'time'],
    [`10.0.0.1 - ann [23/Nov/2026:10:61:00 +0000] "GET / HTTP/1.1" 200 1`, 'time'],
    [`${start} "\\x16\\x03\\x01" 400 0 "-" "-"`, 'request'],
    [`${start} "-" 408 0 "-" "-"`, 'request'],
    [`${start} "GET / HTTP/1.1" 20`, 'status'],
    [`${start} "GET / HTTP/1.1" 2000 1`, 'status'],
    [`${start} "GET / HTTP/1.1" abc 1`, 'status'],
  ])('is junk if it is %j: %s', (line, reason) => {
    expect(parse(line)).toBe(reason)
  })

  it('parses a hostile line of 1 MiB in one pass', () => {
    const hostile = [`${'\\"'.repeat(500_000)}`, `${start} "${'\\\\'.repeat(500_000)}`, '[" '.repeat(350_000)]
    const before = performance.now()
    for (const line of hostile) expect(parse(line)).toBe('layout')
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})
