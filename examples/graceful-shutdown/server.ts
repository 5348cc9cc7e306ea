import type { Server } from 'node:http'
import { pxUsage, type UsageOptions } from '@px-usage/express'
import express, { type Request } from 'express'

/**
 * Starts an API that ends on SIGTERM and SIGINT: it finishes the requests in progress, counts them, and closes the meter. Then nothing
 * keeps the process alive, so it ends without process.exit().
 */
export function startServer(port: number, options: Partial<UsageOptions<Request>> = {}): Server {
  const app = express()
  const usage = pxUsage({ identify: (req) => ({ userId: req.get('x-user') ?? 'guest' }), ...options })
  app.use(usage)
  app.get('/reports/:year', (req, res) => {
    setTimeout(() => res.json({ year: req.params.year }), 300)
  })
  const server = app.listen(port, '127.0.0.1')

  function shutDown(): void {
    if (!server.listening) return
    // An idle keep-alive connection would delay the end by five seconds.
    const sweeping = setInterval(() => server.closeIdleConnections(), 50)
    server.close(async () => {
      clearInterval(sweeping)
      // A day that is sent, or kept for the next start, within 10 seconds. Kubernetes waits for 30.
      const { lost } = await usage.meter.close({ timeoutMs: 10_000 })
      console.log('Closed; lost:', lost.calls, 'calls,', lost.lines, 'events')
    })
  }
  process.once('SIGTERM', shutDown)
  process.once('SIGINT', shutDown)
  return server
}
