import cluster from 'node:cluster'
import { pxUsage } from '@px-usage/express'
import express from 'express'

// One of the processes. All of them count into the folder of PX_USAGE_DIR, and one of them sends.
const app = express()
const usage = pxUsage({ identify: (req) => ({ userId: req.get('x-user') ?? 'guest', accountId: 'acme' }) })
app.use(usage)
app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id, process: process.pid }))
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')

// disconnect() finishes the requests in progress. Then the worker closes the meter and ends.
process.once('SIGTERM', () => cluster.worker?.disconnect())
process.once('disconnect', () => void usage.meter.close())
