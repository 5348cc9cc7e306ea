import { createRequire } from 'node:module'
import { sep } from 'node:path'
import type { pxUsage } from '@px-usage/express'
import type express from 'express'
import type { Express, RequestHandler } from 'express'
import fc from 'fast-check'
import { expect, inject, it } from 'vitest'
import { recordingUsage, routerOf } from '../support/express-names.ts'
import { shapesFor } from '../support/foreign-shapes.ts'
import { respond } from '../support/in-process.ts'

type Usage = ReturnType<typeof pxUsage>
const load = createRequire(import.meta.url)
const framework = inject('framework')

/** A copy of Express of its own: what one app leaves on the objects of Express is not seen by the apps of the other. */
function freshExpress(): typeof express {
  const folder = load
    .resolve(framework)
    .split(`${sep}node_modules${sep}`)
    .slice(0, -1)
    .join(`${sep}node_modules${sep}`)
  for (const file of Object.keys(load.cache)) if (file.startsWith(folder)) delete load.cache[file]
  return load(framework)
}

const broken = () => {
  throw new Error('broken')
}
const throwing = new Proxy(() => {}, {
  get: broken,
  has: broken,
  set: broken,
  getPrototypeOf: broken,
  getOwnPropertyDescriptor: broken,
  ownKeys: broken,
})

/** What may stand in the stack of a handler that is no router of Express. */
const stacks: [string, () => unknown][] = [
  ['nothing', () => undefined],
  ['an empty list', () => []],
  ['functions', () => [() => {}, broken]],
  ['texts', () => ['Error: at', '/x']],
  ['holes', () => new Array(3)],
  ['null and numbers', () => [null, undefined, 7, Symbol('x')]],
  [
    'layers of connect',
    () => [
      { route: '', handle: () => {} },
      { route: '/x', handle: broken },
    ],
  ],
  ['throwing proxies', () => [throwing, throwing]],
  [
    'throwing getters',
    () => [
      {
        get handle() {
          return broken()
        },
        get route() {
          return broken()
        },
        match: broken,
      },
    ],
  ],
  [
    'layers of another shape',
    () => [{ match: broken, handle: () => {}, matchers: [broken], route: { path: '/x' } }],
  ],
  ['layers with an expression', () => [{ match: broken, handle: () => {}, regexp: /x/, keys: null }]],
  [
    'layers with a route that throws',
    () => [
      {
        match: broken,
        handle: () => {},
        regexp: /x/,
        get route() {
          return broken()
        },
      },
    ],
  ],
  ['a frozen list', () => Object.freeze([Object.freeze({})])],
  ['a proxy of a list', () => new Proxy([], { get: broken })],
  ['a text', () => 'Error\n    at x'],
  ['a long list', () => new Array(2 ** 32 - 1)],
]

const methods = [
  'use',
  'route',
  'param',
  'handle',
  'set',
  'request',
  'parent',
  'mountpath',
  '_router',
  'router',
  'lazyrouter',
]
const members: [string, () => unknown][] = [
  ['a function', () => () => {}],
  ['a text', () => '/x'],
  ['a throwing proxy', () => throwing],
  ['an object', () => ({})],
  ['nothing', () => undefined],
  ['null', () => null],
]

/** What matches no path, and looks like nothing that Express makes. */
const passedOver: (() => unknown)[] = [
  () => ({ match: () => false }),
  () => Object.assign(() => {}, { match: () => false, handle: broken, stack: [throwing] }),
  () => ({
    match: () => false,
    get handle() {
      return broken()
    },
    regexp: /x/,
  }),
  () => ({ match: () => false, handle: throwing, matchers: [broken] }),
]

const foreign = fc.record({
  stack: fc.constantFrom(...stacks),
  members: fc.array(fc.tuple(fc.constantFrom(...methods), fc.constantFrom(...members)), { maxLength: 6 }),
  /** What the handler is, beside a function. */
  wrap: fc.constantFrom('plain', 'plain', 'frozen', 'proxy', 'throwing stack', 'circle'),
  mount: fc.constantFrom('/', '/', '/f', '/users'),
  behind: fc.constantFrom('app', 'router', 'sub-app', 'route'),
})
const shape = fc.record({
  foreign: fc.array(foreign, { minLength: 1, maxLength: 3 }),
  /** Entries of the router's stack that Express passes over. */
  planted: fc.option(fc.array(fc.constantFrom(...passedOver), { maxLength: 3 }), { nil: undefined }),
  path: fc.constantFrom('/users/1', '/f', '/f/x', '/none', '/sub/1', '/fails'),
  method: fc.constantFrom('GET', 'GET', 'POST'),
})
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never
type Foreign = Shape['foreign'][number]

function handlerOf({ stack, members, wrap }: Foreign): RequestHandler {
  const handler: RequestHandler = (_req, _res, next) => next()
  const set = (name: string, value: unknown) =>
    Reflect.defineProperty(handler, name, { value, configurable: true, enumerable: true, writable: true })
  if (stack[0] !== 'nothing') set('stack', stack[1]())
  for (const [name, [, value]] of members) set(name, value())
  if (wrap === 'throwing stack') Reflect.defineProperty(handler, 'stack', { get: broken, configurable: true })
  if (wrap === 'circle') set('stack', [handler, { handle: handler }])
  if (wrap === 'frozen') return Object.freeze(handler)
  return wrap === 'proxy' ? new Proxy(handler, {}) : handler
}

function buildApp(create: typeof express, { foreign, planted, path }: Shape, usage?: Usage): Express {
  const app = create().set('env', 'test').disable('x-powered-by')
  // Any middleware makes Express give a request its params earlier.
  app.use(usage ?? ((_req, _res, next) => next()))
  const say: RequestHandler = (req, res) =>
    void res.json([Object.keys(req), req.route?.path, req.params, req.baseUrl, Object.keys({ ...req })])
  const router = create.Router().get('/:id', say)
  const sub = create().set('env', 'test').get('/:id', say)
  for (const each of foreign) {
    const handler = handlerOf(each)
    // Express itself refuses a few of them.
    try {
      if (each.behind === 'route') app.get(path, handler)
      else
        (({ app, router, 'sub-app': sub }) as Record<string, express.Router>)[each.behind]?.use(
          each.mount,
          handler,
        )
    } catch (error) {
      app.use((_req, res) => void res.json(String(error)))
    }
  }
  app
    .use('/users', router)
    .use('/sub', sub)
    .get('/fails', broken as RequestHandler)
  if (planted) routerOf(app).stack.push(...planted.map((create) => create()))
  app.use(
    (_error: unknown, _req: unknown, res: express.Response, _next: unknown) =>
      void res.status(500).json('failed'),
  )
  return app
}

const shapes = shapesFor(framework)

it('foreign shapes of handlers, routers and apps respond as without the middleware', async () => {
  const plain = freshExpress()
  const used = freshExpress()
  expect(used).not.toBe(plain)
  const { usage, calls } = recordingUsage()
  const answers = new Set<string>()
  await fc.assert(
    fc.asyncProperty(shape, async (given) => {
      const without = await respond(buildApp(plain, given), given.method, given.path)
      const app = buildApp(used, given, usage as unknown as Usage)
      expect(await respond(app, given.method, given.path)).toBe(without)
      answers.add(without)
    }),
    {
      numRuns: shapes,
      endOnFailure: false,
      interruptAfterTimeLimit: 100_000,
      markInterruptAsFailure: true,
    },
  )
  expect(answers.size).toBeGreaterThan(10)
  expect(calls.length).toBeGreaterThan(shapes * 0.9)
}, 120_000)
