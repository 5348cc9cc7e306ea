import type { RequestListener, ServerResponse } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { openConnection, requestText, startServer } from '../../support/http-client.ts'
import { recordingMeter } from '../../support/recording-meter.ts'
import type { AdapterHarness } from '../adapter-contract.ts'

const close = { Connection: 'close' }

/** What a client receives from the app with and without the middleware: every byte, but the date. */
async function bothAnswers(
  { createApp }: AdapterHarness,
  text: string,
  makeHandler: () => RequestListener = () => () => {},
): Promise<[without: string, withUsage: string]> {
  const answers: string[] = []
  for (const usage of [
    undefined,
    { meter: recordingMeter().meter, second: recordingMeter().meter, times: 2 },
  ]) {
    const server = await startServer(createApp(usage, makeHandler()))
    onTestFinished(() => server.close())
    const client = openConnection(server.port)
    client.write(text)
    answers.push((await client.end()).replaceAll(/\r\nDate: [^\r]+/g, ''))
  }
  return answers as [string, string]
}

/** Many small writes in one turn, a big one after `drain`, and the end: with what each of them returned. */
async function pushAndWait(res: ServerResponse, log: unknown[]): Promise<void> {
  for (let i = 0; i < 100; i++) log.push(res.write('x'.repeat(1_000)))
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => res.once('drain', resolve))
    log.push('drain', res.write('y'.repeat(300_000)))
  }
  log.push(res.end('z') === res, res.writableEnded)
}

export function sameAnswers(harness: AdapterHarness): void {
  it.each([
    ['GET', '/users/7'],
    ['HEAD', '/users/7'],
    ['GET', '/orders/8'],
    ['GET', '/stream'],
    ['HEAD', '/stream'],
    ['GET', '/fails'],
    ['GET', '/fails-later'],
    ['GET', '/no/such/path'],
    ['POST', '/users/7'],
    ['OPTIONS', '/users/7'],
  ])('%s %s', async (method, path) => {
    const [without, withUsage] = await bothAnswers(harness, requestText(method, path, close))
    expect(withUsage).toBe(without)
    expect(without).toMatch(/^HTTP\/1\.1 \d{3} /)
  })

  const handlers: Record<string, RequestListener> = {
    'a status line, repeated headers and trailers of its own': (_req, res) => {
      res.writeHead(207, 'Many', ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Trailer', 'X-End'])
      res.write('one')
      res.addTrailers({ 'X-End': 'yes' })
      res.end('two')
    },
    '204 without a body': (_req, res) => void res.writeHead(204).end(),
    '304 without a body': (_req, res) => void res.writeHead(304, { ETag: '"x"' }).end(),
    'early hints and a continue': (_req, res) => {
      res.writeContinue()
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      res.end('hinted')
    },
    'server-sent events': (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
      res.write('data: 1\n\n')
      setImmediate(() => {
        res.write('data: 2\n\n')
        res.end()
      })
    },
    'a response that is destroyed half way': (_req, res) => {
      res.writeHead(200, { 'Content-Length': '100' })
      res.write('half', () => res.destroy())
    },
    'a body that is echoed': (req, res) => void req.pipe(res),
  }

  it.each(Object.entries(handlers))('%s', async (_about, handler) => {
    const text = requestText('POST', '/raw', { ...close, 'Content-Length': '4' }, 'body')
    const [without, withUsage] = await bothAnswers(harness, text, () => handler)
    expect(withUsage).toBe(without)
    expect(without).toMatch(/^HTTP\/1\.1 \d{3} /)
  })

  it('write() and end() return the same, and drain comes at the same time', async () => {
    const logs: unknown[][] = []
    const makeHandler = (): RequestListener => {
      const log: unknown[] = []
      logs.push(log)
      return (_req, res) => void pushAndWait(res, log)
    }
    const [without, withUsage] = await bothAnswers(harness, requestText('GET', '/raw', close), makeHandler)
    expect(withUsage === without).toBe(true)
    expect(without.length).toBeGreaterThan(1_600_000)
    expect(logs[1]).toEqual(logs[0])
    expect(logs[0]).toContain(false)
    expect(logs[0]).toContain('drain')
  })

  it('request and response have the same properties and no additional listener', async () => {
    // The first use in a process adds listeners before this test can look.
    await bothAnswers(harness, requestText('GET', '/users/7', close))
    const seen: unknown[] = []
    const makeHandler = (): RequestListener => (req, res) => {
      const keys = [req, res].map((each) => Reflect.ownKeys(each).map(String).sort())
      const listeners = [req, res].map((each) => {
        return each.eventNames().map((name) => `${String(name)} ${each.listenerCount(name)}`)
      })
      seen.push({ keys, listeners: listeners.map((each) => each.sort()) })
      res.end()
    }
    await bothAnswers(harness, requestText('GET', '/raw', close), makeHandler)
    expect(seen[1]).toEqual(seen[0])
    expect(seen).toHaveLength(2)
  })
}
