import { describe, expect, it } from 'vitest'
import { createJsonLog, type JsonFieldMap } from '../../../packages/cli/src/logs/json-log.ts'
import type { LogLine } from '../../../packages/cli/src/logs/log-line.ts'

function parse(value: unknown, map: JsonFieldMap = {}): LogLine | string {
  const text = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('latin1')
  return createJsonLog(map).parse(text, 0, text.length)
}

const call = { time: '2026-11-23T10:00:00Z', method: 'GET', path: '/v1/users', status: 200 }
const atMs = Date.parse(call.time)

describe('a line of JSON', () => {
  it.each([
    call,
    {
      '@timestamp': '2026-11-23T11:00:00+0100',
      request_method: 'get',
      request_uri: '/v1/users?a',
      status: '200',
    },
    { msec: 1795428000.0, request: 'GET /v1/users HTTP/2.0', status: 200 },
    { time: atMs, req: { method: 'GET', url: '/v1/users' }, res: { statusCode: 200 } },
    { time_local: '23/Nov/2026:10:00:00 +0000', 'http.method': 'GET', uri: '/v1/users', statusCode: 200 },
  ])('has its parts under usual names: %j', (value) => {
    expect(parse(value)).toMatchObject({
      atMs,
      method: 'GET',
      path: '/v1/users',
      status: 200,
      aborted: false,
    })
  })

  it('has its parts where a map says', () => {
    const map = { time: 'x.when', method: 'verb', path: 'where', status: 'code' }
    const line = parse({ x: { when: atMs }, verb: 'PUT', where: '/a', code: 503 }, map)
    expect(line).toMatchObject({ atMs, method: 'PUT', path: '/a', status: 503 })
  })

  it('has fields of any depth, with text beyond ASCII', () => {
    const line = parse({
      ...call,
      user: { id: 7, name: 'josé' },
      'a.b': 'c',
      empty: '',
      dash: '-',
    }) as LogLine
    const fields = ['user.id', 'user.name', 'a.b', 'empty', 'dash', 'user', 'none.x'].map((name) =>
      line.field(name),
    )
    expect(fields).toEqual(['7', 'josé', 'c', undefined, undefined, undefined, undefined])
    expect(line.rawField('user.id')).toBe('7')
    expect(line.fields()).toMatchObject({ user: { id: 7 } })
  })

  it.each([
    ['{"time":', 'layout'],
    ['[]', 'layout'],
    [{ ...call, time: 'yesterday' }, 'time'],
    [{ ...call, time: '2026-11-23T10:00:00' }, 'time'],
    [{ ...call, status: 'ok' }, 'status'],
    [{ time: call.time, method: 'GET', path: '/' }, 'status'],
    [{ ...call, path: 'users' }, 'request'],
    [{ ...call, method: undefined }, 'request'],
    [{ ...call, method: 'G T' }, 'request'],
  ])('is junk: %j %s', (value, reason) => {
    expect(parse(value)).toBe(reason)
  })
})
