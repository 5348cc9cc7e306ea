import { describe, expect, it } from 'vitest'
import { logFormat, parseFieldMap, parseFormatName } from '../../../packages/cli/src/logs/log-formats.ts'

const combined = '10.0.0.1 - ann [23/Nov/2026:10:00:01 +0100] "GET / HTTP/1.1" 200 1 "-" "-"'
const json = '{"ts":"2026-11-23T10:00:00Z","verb":"GET","path":"/","status":200}'
const alb =
  'http 2026-11-23T22:23:00.186641Z app/x/1 1.1.1.1:1 2.2.2.2:80 0 0 0 200 200 0 57 "GET http://a:80/ HTTP/1.1" "curl"'

describe('the format of a log', () => {
  it.each([
    ['combined', `junk\n${combined}\n${combined}`],
    ['json', `${json}\n`],
    ['alb', alb],
    ['combined', ''],
  ])('is %s according to its first lines', (name, sample) => {
    expect(logFormat('auto', { method: 'verb' }, sample).name).toBe(name)
  })

  it('is the given one otherwise', () => {
    expect(logFormat('common', {}, alb).name).toBe('combined')
    expect(logFormat('alb', {}, combined).name).toBe('alb')
  })
})

it('a map of fields is read from pairs', () => {
  expect(parseFieldMap('time=ts, method=req.method')).toEqual({ time: 'ts', method: 'req.method' })
  expect(parseFieldMap(undefined)).toEqual({})
})

it.each(['time', 'when=ts', 'time=', ''])('--fields %j is refused', (given) => {
  expect(() => parseFieldMap(given)).toThrow('fields: time, method, path, status')
})

it('an unknown format is refused with the known ones', () => {
  expect(parseFormatName('alb')).toBe('alb')
  expect(() => parseFormatName('iis')).toThrow(
    '--format iis is no format. Use auto, combined, common, json, alb.',
  )
})
