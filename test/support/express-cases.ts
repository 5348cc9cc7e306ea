import { createRequire } from 'node:module'
import type { FinishedCall, Meter } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express'
import { describe, expect, inject, it } from 'vitest'
import { namesOf } from './express-names.ts'

/** The framework version of the project that runs: `express-4.17`. */
export const alias = inject('framework')
const { version } = createRequire(import.meta.url)(`${alias}/package.json`) as { version: string }
export const is4 = version.startsWith('4.')
/** Express 5.0 to 5.2: its routers keep only closures of the path of a mount. */
export const forgetsMounts = /^5\.[012]\./.test(version)

/** The route of each request: `GET`, or the method given before the path. */
type Expected = Record<string, string | undefined>

/** An app, and the route that names each request to it. */
export interface Case {
  readonly name: string
  /** The major version that has this syntax; both, if left out. */
  readonly for?: '4' | '5'
  build(app: Express): void
  readonly expected: Expected
}

export const ok: RequestHandler = (_req, res) => void res.json({})
export const pass: RequestHandler = (_req, _res, next) => next()
export const passLater: RequestHandler = (_req, _res, next) => void setTimeout(next, 1)
export const passToNextRoute: RequestHandler = (_req, _res, next) => next('route')
export const leaveRouter: RequestHandler = (_req, _res, next) => next('router')
export const fail: RequestHandler = () => {
  throw new Error('This handler always fails.')
}
export const fail404: RequestHandler = (_req, _res, next) =>
  next(Object.assign(new Error('no such thing'), { status: 404 }))
export const respond =
  (status: number): RequestHandler =>
  (_req, res) =>
    void res.status(status).json({})
export const respondToError: ErrorRequestHandler = (error, _req, res, _next) =>
  void res.status(error.status ?? 500).json({})
export const passError: ErrorRequestHandler = (error, _req, _res, next) => next(error)
export const rewrite =
  (from: string | RegExp, to: string): RequestHandler =>
  (req, _res, next) => {
    req.url = req.url.replace(from, to)
    next()
  }

export function newRouter(options = {}): Router {
  return express.Router(options)
}

/** A router with one GET route. */
export function routerWith(
  path: string | RegExp | Array<string | RegExp>,
  handler: RequestHandler = ok,
  options = {},
): Router {
  return express.Router(options).get(path, handler)
}

export function observedApp(): { app: Express; calls: FinishedCall[]; usage: RequestHandler } {
  const calls: FinishedCall[] = []
  const meter = { record: (call: FinishedCall) => void calls.push(call), ignore() {} } as unknown as Meter
  const usage = pxUsage({ meter, identify: () => null, ignore: [] }) as unknown as RequestHandler
  const app = express()
  app.set('env', 'test')
  app.use(usage)
  return { app, calls, usage }
}

/** Registers a test for each case that fits the version of the project. */
export function describeNames(of: string, cases: readonly Case[]): void {
  describe(`${alias} names ${of}`, () => {
    const fitting = cases.filter(({ for: major }) => major === undefined || (major === '4') === is4)
    it.each(fitting)('$name', async ({ build, expected }) => {
      const { app, calls } = observedApp()
      build(app)
      expect(await namesOf(app, calls, Object.keys(expected))).toEqual(expected)
    })
  })
}
