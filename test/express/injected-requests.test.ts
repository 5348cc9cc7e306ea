import { pxUsage } from '@px-usage/express'
import express, { type ErrorRequestHandler } from 'express'
import { describe, inject } from 'vitest'
import { injectedContract } from '../contracts/injected-contract.ts'

describe(`requests injected into ${inject('framework')}`, () => {
  injectedContract((meter) => {
    const app = express()
    app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }) }))
    app.get('/users/:id', (req, res) => void res.json({ id: req.params.id }))
    app.get('/fails', () => {
      throw new Error('This route always fails.')
    })
    app.get('/destroyed', (_req, res) => void res.destroy())
    // Express's own 404 handler fails on requests of node-mocks-http.
    app.use((_req, res) => void res.status(404).send('none'))
    const onError: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).send('failed')
    return app.use(onError)
  })
})
