import { createServer } from 'node:http'
import express, { type RequestHandler } from 'express'
import { describe, expect, it } from 'vitest'
import { expressNames } from '../support/express-names.ts'

const respondsAndPassesOn =
  (statusCode = 200): RequestHandler =>
  (_req, res, next) => {
    res.status(statusCode).json({})
    next()
  }
const pass: RequestHandler = (_req, _res, next) => next()
const unlessSent: RequestHandler = (_req, res, next) => (res.headersSent ? next() : void res.json({}))

describe('a route that responds and then calls next()', () => {
  it('names the call, whatever comes behind it', async () => {
    const expected = {
      '/orders/latest': '/orders/latest',
      '/orders/7': '/orders/:id',
      '/none/7': '/none/:id',
      '/passed/7': '/passed/:second',
      '/later': '/later',
      '/other': undefined,
    }
    const names = await expressNames((app) => {
      app.get('/orders/latest', respondsAndPassesOn())
      app.get('/orders/:id', unlessSent)
      app.get('/none/:id', respondsAndPassesOn(404))
      app.get('/passed/:first', pass).get('/passed/:second', respondsAndPassesOn())
      app.get('/later', (_req, res, next) => {
        setImmediate(() => {
          res.json({})
          next()
        })
      })
      app.get('/:any/:other', unlessSent)
    }, Object.keys(expected))
    expect(names).toEqual(expected)
  })

  it('names the call before a handler that is there for unknown paths, with a 404 of its own too', async () => {
    const expected = {
      '/own/7': '/own/:id',
      '/r/own/7': '/r/own/:id',
      '/passed/7': undefined,
      '/x': undefined,
    }
    const names = await expressNames((app) => {
      app.get('/own/:id', respondsAndPassesOn(404)).get('/passed/:id', pass)
      app.use('/r', express.Router().get('/own/:id', respondsAndPassesOn(404)))
      app.use((_req, res, next) => (res.headersSent ? next() : void res.status(404).json({})))
    }, Object.keys(expected))
    expect(names).toEqual(expected)
  })
})

describe('a 404 error of a route', () => {
  const fails: RequestHandler = (_req, _res, next) =>
    next(Object.assign(new Error('No such order. '.repeat(100)), { status: 404, expose: true }))
  /** What the compression middleware leaves of a response. */
  const compressed: RequestHandler = (_req, res, next) => {
    const { end } = res
    res.end = function (this: typeof res, ...args: unknown[]) {
      if (Number(res.getHeader('content-length')) > 1_024) {
        res.removeHeader('Content-Length')
        res.setHeader('Content-Encoding', 'identity')
      }
      return (end as (...args: unknown[]) => typeof res).apply(this, args)
    } as typeof res.end
    next()
  }

  it('keeps its name when the page of Express is compressed', async () => {
    const expected = { '/orders/7': '/orders/:id', '/passed/7': undefined, '/nothing': undefined }
    const names = await expressNames((app) => {
      app.use(compressed).get('/orders/:id', fails).get('/passed/:id', pass)
    }, Object.keys(expected))
    expect(names).toEqual(expected)
  })
})

it('an app within an app that responds for itself gives its own names', async () => {
  const expected = {
    '/proxy/items/7': '/proxy/items/:item',
    '/called/items/7': '/called/items/:item',
    '/x/leaf/7': '/x/leaf/:l',
    '/api/x/deep/7': '/api/x/deep/:d',
  }
  const names = await expressNames((app) => {
    const ok: RequestHandler = (_req, res) => void res.json({})
    const inner = express().get('/proxy/items/:item', ok)
    app.get(/^\/proxy\/.*/, (req, res) => inner(req, res))
    const called = express().get('/items/:item', ok)
    app.use('/called', (req, res) => called(req, res))
    // A router as the handler of a route sees the whole path.
    const rest = /^\/x\/.*/
    app.all(rest, express.Router().get('/x/leaf/:l', ok))
    app.use('/api', express.Router().all(rest, express.Router().get('/x/deep/:d', ok)))
  }, Object.keys(expected))
  expect(names).toEqual(expected)
  createServer().close()
})
