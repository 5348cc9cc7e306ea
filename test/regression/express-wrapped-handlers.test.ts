import express, { type Express, type RequestHandler } from 'express'
import { describe, expect, it } from 'vitest'
import { expressNames, routerOf } from '../support/express-names.ts'

interface Layer {
  handle: RequestHandler & { stack?: Layer[] }
  route?: { stack: Layer[] }
}

const ok: RequestHandler = (_req, res) => void res.json({})

/** Every layer that the app has by now, those of its routers and routes too. */
function layersOf(app: Express): Layer[] {
  const all: Layer[] = []
  const visit = (layers: Layer[] = []) => {
    for (const layer of layers) {
      all.push(layer)
      visit(layer.route?.stack)
      visit(layer.handle.stack)
    }
  }
  visit(routerOf(app).stack as Layer[])
  return all
}

function wrapper(handle: RequestHandler, name: string): RequestHandler {
  const wrapped: RequestHandler = function (this: unknown, req, res, next) {
    return handle.call(this as never, req, res, next)
  }
  for (const key in handle) {
    Object.defineProperty(wrapped, key, {
      get: () => handle[key as never],
      enumerable: true,
      configurable: true,
    })
  }
  return Object.defineProperty(wrapped, 'name', { value: name })
}

const wrappings: [string, (layer: Layer) => void][] = [
  [
    'replaced, with the properties of the original, as OpenTelemetry does',
    (layer) => {
      layer.handle = wrapper(layer.handle, 'patched')
    },
  ],
  [
    'behind an accessor, as express-async-errors does',
    (layer) => {
      let handle = wrapper(layer.handle, 'newFn')
      Object.defineProperty(layer, 'handle', {
        configurable: true,
        enumerable: true,
        get: () => handle,
        set: (value) => (handle = value),
      })
    },
  ],
  [
    'without names, as a minifier leaves them',
    (layer) => void Object.defineProperty(layer.handle, 'name', { value: 'a' }),
  ],
  [
    'proxied, as an agent may do',
    (layer) => {
      layer.handle = new Proxy(layer.handle, {})
    },
  ],
]

describe.each(wrappings)('handlers that are %s', (_how, wrap) => {
  it('leave the names as they are', async () => {
    const expected = {
      '/health': '/health',
      '/users/7': '/users/:id',
      '/tenants/t/books/7': '/tenants/:tenant/books/:book',
      '/sub/items/7': '/sub/items/:item',
      '/sub/deep/items/7': '/sub/deep/items/:item',
      '/sub/none': undefined,
      '/nothing': undefined,
    }
    const names = await expressNames((app) => {
      const sub = express().get('/items/:item', ok)
      sub.use('/deep', express().get('/items/:item', ok))
      app.use((_req, _res, next) => next())
      app.get('/health', ok)
      app.use('/users', express.Router().get('/:id', ok))
      app.use(
        '/tenants/:tenant',
        express.Router({ mergeParams: true }).use('/books', express.Router().get('/:book', ok)),
      )
      app.use('/sub', sub)
      for (const layer of [...layersOf(app), ...layersOf(sub)]) if (layer.handle.length < 4) wrap(layer)
    }, Object.keys(expected))
    expect(names).toEqual(expected)
  })
})
