import { describe, expect, it } from 'vitest'
import { createAlbLog } from '../../../packages/cli/src/logs/alb-log.ts'
import type { LogLine } from '../../../packages/cli/src/logs/log-line.ts'

function line(given: { time?: string; status?: string; request?: string } = {}): string {
  const { time = '2026-11-23T22:23:00.186641Z', status = '200' } = given
  const { request = 'GET https://www.example.com:443/v1/users/7?a=b HTTP/1.1' } = given
  return (
    `https ${time} app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 ${status} 200 0 57 ` +
    `"${request}" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-58337281" "www.example.com" "arn:aws:acm" 1 ${time} "forward"`
  )
}

function parse(text: string): LogLine | string {
  return createAlbLog().parse(text, 0, text.length)
}

describe('a line of an AWS load balancer', () => {
  it('has time, method, path, status and its fields by their names', () => {
    const parsed = parse(line()) as LogLine
    expect(parsed).toMatchObject({
      atMs: Date.parse('2026-11-23T22:23:00.186Z'),
      method: 'GET',
      path: '/v1/users/7',
      status: 200,
      aborted: false,
    })
    expect(parsed.field('client')).toBe('192.168.131.39')
    expect(parsed.field('user_agent')).toBe('curl/7.46.0')
    expect(parsed.field('domain_name')).toBe('www.example.com')
    expect(parsed.field('actions_executed')).toBe('forward')
    expect(Object.keys(parsed.fields())).toHaveLength(23)
  })

  it.each(['460', '-'])('is aborted if the client left, status %s', (status) => {
    expect(parse(line({ status }))).toMatchObject({ status: 0, aborted: true })
  })

  it.each([
    ['', 'layout'],
    [line().slice(0, 150), 'layout'],
    [line({ time: 'yesterday' }), 'time'],
    [line({ status: 'x' }), 'status'],
    [line({ request: '- http://example.com:80- -' }), 'request'],
  ])('is junk: %j %s', (text, reason) => {
    expect(parse(text)).toBe(reason)
  })
})
