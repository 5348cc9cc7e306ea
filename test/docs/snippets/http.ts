import { createServer } from 'node:http'
import { pxUsage } from '@px-usage/http'

const usage = pxUsage({
  identify: (req) => ({ userId: String(req.headers['x-user']) }),
  endpoint: (req) => (req.url?.startsWith('/orders/') ? '/orders/:id' : undefined),
})
const server = createServer()
server.on('request', usage)
server.on('request', app) // the listener of your app

// --- the app
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

function app(_req: IncomingMessage, res: ServerResponse): void {
  res.end('hello')
}

export const listener: RequestListener = (req, res) => void server.emit('request', req, res)
export const { meter } = usage
