import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { pxUsage } from '@px-usage/http'
import { describe } from 'vitest'
import { bodyStream } from '../contracts/adapter/observed-app.ts'
import { adapterContract } from '../contracts/adapter-contract.ts'

type Route = [
  path: RegExp,
  name: string,
  answer: (req: IncomingMessage, res: ServerResponse, id: string) => void,
]

const answerId = (_req: IncomingMessage, res: ServerResponse, id: string) =>
  void res.end(JSON.stringify({ id }))
const fail = (_req: IncomingMessage, res: ServerResponse) => {
  res.statusCode = 500
  res.end('failed')
}
const routes: Route[] = [
  [/^\/users\/(\w+)$/, '/users/:id', answerId],
  [/^\/orders\/(\w+)$/, '/orders/:id', answerId],
  [/^\/slow$/, '/slow', () => {}],
  [/^\/stream$/, '/stream', (_req, res) => void bodyStream().pipe(res)],
  [/^\/fails$/, '/fails', fail],
  [/^\/fails-later$/, '/fails-later', (req, res) => void setImmediate(fail, req, res)],
]

function routeOf(req: IncomingMessage): Route | undefined {
  const path = req.url?.replace(/\?.*/, '') ?? ''
  return routes.find(([pattern]) => pattern.test(path))
}

describe('node:http', () => {
  adapterContract({
    http2: true,
    isListener: true,
    createApp(usage, handler = () => {}) {
      const listeners: ReturnType<typeof pxUsage>[] = []
      if (usage !== undefined) {
        const { meter, times = 1, second, identify = () => ({ userId: 'ann' }) } = usage
        const endpoint = (req: IncomingMessage) => (req.url === '/raw' ? '/raw' : routeOf(req)?.[1])
        for (let i = 0; i < times; i++) {
          for (const each of second === undefined ? [meter] : [meter, second]) {
            listeners.push(pxUsage({ meter: each, endpoint, identify: identify as () => null }))
          }
        }
      }
      const { behind = (_req: IncomingMessage, next: () => unknown) => next() } = usage ?? {}
      return (req, res) => {
        for (const listener of listeners) listener(req, res)
        behind(req, () => answerTo(req, res, handler))
      }
    },
  })
})

function answerTo(req: IncomingMessage, res: ServerResponse, handler: RequestListener): void {
  const [path, , answer] = routeOf(req) ?? []
  if (req.url === '/raw') handler(req, res)
  else if (path !== undefined && answer !== undefined) answer(req, res, path.exec(req.url ?? '')?.[1] ?? '')
  else {
    res.statusCode = 404
    res.end()
  }
}
