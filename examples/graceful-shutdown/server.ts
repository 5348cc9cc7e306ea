import { type CloseReport, pxUsage, type UsageOptions } from '@px-usage/express'
import express, { type Request } from 'express'

/**
 * Starts an API that ends on SIGTERM and SIGINT: it finishes the requests in progress, counts them, and closes the meter. Then nothing
 * keeps the process alive, so it ends without process.exit().
 */
export function startServer(port: number, options: Partial<UsageOptions<Request>> = {}) {
  const app = express()
  const usage = pxUsage({ identify: (req) => ({ userId: req.get('x-user') ?? 'guest' }), ...options })
  app.use(usage)
  app.get('/reports/:year', (req, res) => {
    setTimeout(() => res.json({ year: req.params.year }), 300)
  })
  const server = app.listen(port, '127.0.0.1')
  const closed = new Promise<CloseReport>((resolve) => {
    const shutDown = () => {
      if (!server.listening) return
      // An idle keep-alive connection would delay the end by five seconds.
      const sweeping = setInterval(() => server.closeIdleConnections(), 50)
      server.close(() => {
        clearInterval(sweeping)
        // Kubernetes waits for 30 seconds before it kills the process.
        resolve(usage.meter.close({ timeoutMs: 10_000 }))
      })
    }
    process.once('SIGTERM', shutDown)
    process.once('SIGINT', shutDown)
  })
  return { server, closed }
}
