import { memoryStore, pxUsage } from '@px-usage/express'
import express from 'express'

const app = express()
const usage = pxUsage({
  identify: (req) => ({ userId: req.get('x-user') ?? 'a visitor', accountId: req.get('x-account') }),
  store: memoryStore(), // for a first try: closing sends the day so far, and a crash loses it
  closeOnSignal: true,
})
app.use(usage)
app.get('/v1/orders/:id', (req, res) => void res.json({ id: req.params.id }))
app.listen(Number(process.env.PORT ?? 3000))
