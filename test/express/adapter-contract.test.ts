import { createRequire } from 'node:module'
import { pxUsage } from '@px-usage/express'
import express, { type ErrorRequestHandler } from 'express'
import { describe, expect, inject, it } from 'vitest'
import { bodyStream } from '../contracts/adapter/observed-app.ts'
import { adapterContract } from '../contracts/adapter-contract.ts'

const alias = inject('framework')

describe(`express ${alias}`, () => {
  it('is the version that this project is for', () => {
    const { version } = createRequire(import.meta.url)(`${alias}/package.json`) as { version: string }
    expect(`express-${version}`.startsWith(`${alias}.`)).toBe(true)
    expect(express).toBe(createRequire(import.meta.url)(alias))
  })

  adapterContract({
    createApp(usage, handler = () => {}) {
      const app = express()
      app.set('env', 'test')
      app.disable('x-powered-by')
      if (usage !== undefined) {
        const { meter, times = 1, second, identify = () => ({ userId: 'ann' }) } = usage
        for (let i = 0; i < times; i++) {
          app.use(pxUsage({ meter, identify: identify as () => null }))
          if (second !== undefined) app.use(pxUsage({ meter: second, identify: identify as () => null }))
        }
      }
      const { behind } = usage ?? {}
      if (behind !== undefined) app.use((req, _res, next) => void behind(req, next))
      app.get('/users/:id', (req, res) => void res.json({ id: req.params.id }))
      const orders = express.Router()
      orders.get('/:id', (req, res) => void res.json({ id: req.params.id }))
      app.use('/orders', orders)
      app.get('/slow', () => {})
      app.get('/stream', (_req, res) => void bodyStream().pipe(res))
      app.all('/raw', (req, res) => handler(req, res))
      app.get('/fails-later', (_req, _res, next) => {
        setImmediate(() => next(new Error('This route always fails, later.')))
      })
      app.get('/fails', () => {
        throw new Error('This route always fails.')
      })
      const onError: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).send('failed')
      app.use(onError)
      return app
    },
  })
})
