import { type Identity, identifyBy, type Meter, pxUsage } from '@px-usage/express'
import express from 'express'

/** Where the keys of the API are kept. A real one is a table of a database. */
export interface Keys {
  /** Returns who the key belongs to, or nothing for an unknown key. */
  find(key: string): Promise<Identity | undefined>
}

/** Creates an API whose callers send a key. px-usage looks up each key once in five minutes, after the response. */
export function createApp(meter: Meter, keys: Keys) {
  const app = express()
  app.use(
    pxUsage({
      meter,
      identify: identifyBy({
        credential: (req) => req.get('x-api-key'),
        lookup: (key) => keys.find(key),
      }),
    }),
  )
  app.get('/orders/:id', (req, res) => void res.json({ id: req.params.id }))
  return app
}
