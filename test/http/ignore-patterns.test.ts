import type { IncomingMessage } from 'node:http'
import { pxUsage } from '@px-usage/http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ignorePatterns } from '../../packages/http/src/ignore-patterns.ts'
import { send, startServer } from '../support/http-client.ts'
import { recordingMeter } from '../support/recording-meter.ts'

/** Which of the calls are counted; the path is the name, except that `/unknown` has none. */
async function counted(ignore: readonly string[] | undefined, requests: string[]): Promise<string[]> {
  const { meter, calls } = recordingMeter()
  let ignored = 0
  meter.ignore = () => void ignored++
  const endpoint = (req: IncomingMessage) => (req.url === '/unknown' ? undefined : req.url)
  const usage = pxUsage({ meter, identify: () => ({ userId: 'ann' }), endpoint, ignore })
  const server = await startServer((req, res) => {
    usage(req, res)
    res.end()
  })
  onTestFinished(() => server.close())
  for (const request of requests) {
    const [method = '', path] = request.split(' ')
    await send(`${server.url}${path}`, { method })
  }
  await vi.waitFor(() => expect(calls.length + ignored).toBe(requests.length))
  return calls.map(({ method, route }) => `${method} ${route}`)
}

describe('patterns of ignore', () => {
  it.each([
    [undefined, 'OPTIONS requests only', ['GET /a', 'OPTIONS /a', 'OPTIONS /unknown'], ['GET /a']],
    [[], 'nothing', ['GET /a', 'OPTIONS /a'], ['GET /a', 'OPTIONS /a']],
    [
      ['GET /health'],
      'one endpoint',
      ['GET /health', 'PUT /health', 'GET /healthy'],
      ['PUT /health', 'GET /healthy'],
    ],
    [['/health'], 'any method', ['GET /health', 'PUT /health', 'GET /health/x'], ['GET /health/x']],
    [
      ['/internal/*'],
      'all below a path',
      ['GET /internal/a', 'GET /internal/a/b', 'GET /internal/', 'GET /internal', 'GET /x/internal/a'],
      ['GET /internal', 'GET /x/internal/a'],
    ],
    [['OPTIONS *', 'HEAD *'], 'methods', ['OPTIONS /a', 'HEAD /unknown', 'GET /a'], ['GET /a']],
    [['(unmatched)'], 'what matched no route', ['GET /unknown', 'GET /a'], ['GET /a']],
    [['GET (un*'], 'what matched no route, by method', ['GET /unknown', 'PUT /unknown'], ['PUT undefined']],
    [['*'], 'everything', ['GET /a', 'GET /unknown'], []],
    [
      ['/a.c', '/a+'],
      'characters that a RegExp knows',
      ['GET /abc', 'GET /aa', 'GET /a.c', 'GET /a+'],
      ['GET /abc', 'GET /aa'],
    ],
    [['*/x/*/y'], 'stars anywhere', ['GET /1/x/2/3/y', 'GET /1/x/y'], ['GET /1/x/y']],
  ])('%j leaves out %s', async (ignore, _about, requests, expected) => {
    expect(await counted(ignore, [...requests, ...requests])).toEqual([...expected, ...expected])
  })

  it('hold for more endpoints than are remembered', () => {
    const isIgnored = ignorePatterns(['/gone/*'], false)
    const wrong: string[] = []
    for (let number = 0; number < 25_000; number++) {
      if (isIgnored('GET', `/kept/${number}`)) wrong.push(`/kept/${number}`)
      if (!isIgnored('PUT', `/gone/${number}`)) wrong.push(`/gone/${number}`)
    }
    expect(wrong).toEqual([])
  })

  const without = (ignore: unknown) => () =>
    pxUsage({ meter: recordingMeter().meter, identify: () => null, ignore: ignore as string[] })

  it.each([
    [['health'], '"health"'],
    [['get /health'], '"get /health"'],
    [['GET'], '"GET"'],
    [['FETCH /a'], '"FETCH /a"'],
    [[''], '""'],
    [[' /a'], '" /a"'],
    [[/health/], '/health/'],
    ['/health', '"/health"'],
    [{ path: '/health' }, "{ path: '/health' }"],
  ])('%j is refused with a cure', (ignore, quoted) => {
    expect(without(ignore)).toThrow(
      expect.objectContaining({
        code: 'PXU_ERR_OPTIONS_INVALID',
        message: expect.stringMatching(/GET \/health/) as string,
      }) as Error,
    )
    expect(without(ignore)).toThrow(quoted)
  })

  it('need not be paths where the app names its endpoints', async () => {
    const { meter, calls } = recordingMeter()
    const usage = pxUsage({
      meter,
      identify: () => ({ userId: 'ann' }),
      endpoint: (req) => (req.url === '/a' ? 'Get user' : 'List users'),
      ignore: ['Get *'],
    })
    const server = await startServer((req, res) => {
      usage(req, res)
      res.end()
    })
    onTestFinished(() => server.close())
    for (const path of ['/a', '/b']) await send(`${server.url}${path}`)
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    expect(calls[0]?.route).toBe('List users')
  })
})
