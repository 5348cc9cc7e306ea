import { createRequire } from 'node:module'
import { sep } from 'node:path'
import { pxUsage } from '@px-usage/koa'
import fc from 'fast-check'
import type Koa from 'koa'
import type { Context, Middleware, Next } from 'koa'
import { expect, inject, it } from 'vitest'
import { shapesFor } from '../support/foreign-shapes.ts'
import { respond } from '../support/in-process.ts'
import { recordingMeter } from '../support/recording-meter.ts'

const load = createRequire(import.meta.url)
const framework = inject('framework')
const mount = load('koa-mount') as (prefix: string, app: Koa | Middleware) => Middleware
const koaRoute = load('koa-route') as { get(path: string, handler: unknown): Middleware }
const routers = [
  'koa-router-7',
  'koa-at-router-8',
  'koa-at-router-11',
  'koa-at-router-12',
  'koa-at-router-15',
]

/** A copy of Koa of its own: what one app leaves on the objects of Koa is not seen by the apps of the other. */
function freshKoa(): typeof Koa {
  const folder = load.resolve(framework).split(`${sep}lib${sep}`)[0] as string
  for (const file of Object.keys(load.cache)) if (file.startsWith(folder)) delete load.cache[file]
  const module = load(framework)
  return module.default ?? module
}

const names = [
  'captures',
  'routerPath',
  'routePath',
  'mountPath',
  'path',
  'matched',
  'router',
  'params',
  'state',
  'req',
  'method',
  'originalUrl',
  '_matchedRoute',
]

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
  apply: broken,
})

/** What an app, or a library of it, may put where Koa and its routers put theirs. */
const values: [string, () => unknown][] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 7],
  ['an empty text', () => ''],
  ['a path', () => '/users/:id'],
  ['an expression', () => /x/],
  ['an expression that cannot be written', () => Object.assign(/x/, { toString: broken })],
  ['a symbol', () => Symbol('foreign')],
  ['a function', () => () => '/x'],
  ['a throwing proxy', () => throwing],
  ['a list with a hole', () => new Array(1)],
  ['a list of texts', () => ['stack', '/x']],
  ['a list of throwing proxies', () => [throwing]],
  ['a proxy of a list', () => new Proxy([], { get: broken })],
  ['a frozen list', () => Object.freeze([{ path: '/x', methods: ['GET'] }])],
  [
    'a list of broken layers',
    () => [
      {
        get path() {
          return broken()
        },
        get methods() {
          return broken()
        },
      },
    ],
  ],
  ['a router without a list', () => ({ stack: 7, exclusive: true })],
  ['a router with a throwing list', () => ({ stack: throwing, opts: throwing })],
  ['an object without a prototype', () => Object.create(null)],
]

/**
 * A part of a descriptor would leave the rest as it is. Only that, `in` and the symbols of a context show that some properties are
 * accessors.
 */
const whole: PropertyDescriptor = { configurable: true, enumerable: true, writable: true }

const getter = (value: unknown) => ({ get: () => value, set: undefined }) as unknown as PropertyDescriptor

/** One thing that an app does with its context, or with what all of its contexts inherit from. */
type Act = (target: Record<string, unknown>, name: string, value: unknown) => unknown
const acts: [string, Act][] = [
  ['assign', (target, name, value) => (target[name] = value)],
  ['assign in sloppy code', new Function('target', 'name', 'value', 'target[name] = value') as Act],
  ['assign twice', (target, name, value) => (target[name] = target[name] = value)],
  ['assign all', (target, name, value) => Object.assign(target, { [name]: value })],
  ['delete', (target, name) => delete target[name]],
  ['define', (target, name, value) => Object.defineProperty(target, name, { ...whole, value })],
  [
    'define a constant',
    (target, name, value) => Object.defineProperty(target, name, { ...whole, value, writable: false }),
  ],
  [
    'define a lasting constant',
    (target, name, value) =>
      Object.defineProperty(target, name, { value, configurable: false, enumerable: false, writable: false }),
  ],
  ['define a getter', (target, name, value) => Object.defineProperty(target, name, getter(value))],
  [
    'define a getter that throws',
    (target, name) => Object.defineProperty(target, name, { get: broken, set: broken, configurable: true }),
  ],
  ['freeze', (target) => Object.freeze(target)],
  ['seal', (target) => Object.seal(target)],
  ['close', (target) => Object.preventExtensions(target)],
  ['read', (target, name) => target[name]],
]

/** How the app hands its context on. */
const hands: [string, (ctx: Context) => Context][] = [
  ['as it is', (ctx) => ctx],
  ['as it is', (ctx) => ctx],
  ['inherited', (ctx) => Object.create(ctx)],
  ['behind a proxy', (ctx) => new Proxy(ctx, {})],
  [
    'behind a proxy that writes',
    (ctx) =>
      new Proxy(ctx, {
        set(target, name, value) {
          target[name as string] = value
          return true
        },
      }),
  ],
]

const act = fc.record({
  on: fc.constantFrom('app', 'ctx', 'ctx', 'ctx', 'request'),
  place: fc.nat(3),
  name: fc.constantFrom(...names),
  value: fc.constantFrom(...values),
  act: fc.constantFrom(...acts),
})
const shape = fc.record({
  router: fc.constantFrom(...routers),
  exclusive: fc.boolean(),
  acts: fc.array(act, { maxLength: 4 }),
  hand: fc.constantFrom(...hands),
  path: fc.constantFrom('/users/1', '/m/users/1', '/none', '/plain/1', '/m'),
  method: fc.constantFrom('GET', 'GET', 'POST'),
})
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never

/** What the app sees of its context: values, own names, copies. */
function seenBy(ctx: Context): unknown {
  const look = (work: () => unknown) => {
    try {
      const found = work()
      return typeof found === 'string' || found instanceof RegExp ? `${found}` : typeof found
    } catch (error) {
      return (error as Error).name
    }
  }
  return [
    look(() => Object.keys(ctx).join()),
    look(() => Object.keys({ ...ctx }).join()),
    look(() => Object.getOwnPropertyNames(ctx).join()),
    look(() => [Object.isFrozen(ctx), Object.isSealed(ctx), Object.isExtensible(ctx)].join()),
    ...names.map(
      (name) => `${name}: ${look(() => ctx[name])}, ${look(() => String(Object.hasOwn(ctx, name)))}`,
    ),
  ]
}

function buildApp(K: typeof Koa, { router: alias, exclusive, acts, hand }: Shape, usage?: Middleware) {
  const app = new K()
  app.silent = true
  const Router = load(alias)
  const say = (ctx: Context) => {
    ctx.body = ['route', ...(seenBy(ctx) as string[])]
  }
  const routes = () => new (Router.default ?? Router)({ exclusive }).get('/users/:id', say).routes()
  const perform = (ctx: Context, place: number) => {
    for (const each of acts) {
      if (each.place !== place) continue
      const target = { app: ctx.app?.context, ctx, request: ctx.request }[each.on] as unknown
      each.act[1](target as Record<string, unknown>, each.name, each.value[1]())
    }
  }
  for (const each of acts) {
    if (each.place === 0 && each.on === 'app') {
      try {
        each.act[1](app.context as never, each.name, each.value[1]())
      } catch {
        // So it does without the middleware.
      }
    }
  }
  if (usage !== undefined) app.use(usage)
  app.use(async (ctx: Context, next: Next) => {
    let trouble = ''
    try {
      perform(ctx, 1)
      await next()
      perform(ctx, 3)
    } catch (error) {
      trouble = String((error as Error).message)
    }
    const body = (ctx.response as { body?: unknown }).body ?? 'none'
    ctx.response.body = JSON.stringify([trouble, body, seenBy(ctx)])
  })
  app.use((ctx: Context, next: Next) => {
    const handed = hand[1](ctx)
    return mount('/m', routes())(handed as never, () =>
      routes()(handed as never, async () => {
        perform(ctx, 2)
        await koaRoute.get('/plain/:id', say)(ctx as never, next)
      }),
    )
  })
  return app.callback()
}

const shapes = shapesFor(framework)

it('foreign shapes of contexts and routers respond as without the middleware', async () => {
  const plain = freshKoa()
  const used = freshKoa()
  expect(used).not.toBe(plain)
  const { meter, calls } = recordingMeter()
  const usage = pxUsage({ meter, identify: () => ({ userId: 'ann' }) }) as Middleware
  const answers = new Set<string>()
  await fc.assert(
    fc.asyncProperty(shape, async (given) => {
      const without = await respond(buildApp(plain, given), given.method, given.path)
      expect(await respond(buildApp(used, given, usage), given.method, given.path)).toBe(without)
      answers.add(without)
    }),
    {
      numRuns: shapes,
      endOnFailure: false,
      interruptAfterTimeLimit: 100_000,
      markInterruptAsFailure: true,
    },
  )
  expect(answers.size).toBeGreaterThan(shapes / 20)
  expect(calls.length).toBeGreaterThan(shapes * 0.9)
}, 120_000)
