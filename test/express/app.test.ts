import express from 'express'
import { describe, expect, it } from 'vitest'
import {
  type App,
  appAndParents,
  appOf,
  outermostOf,
  ownRouter,
  routerOf,
} from '../../packages/express/src/app.ts'
import { newRouter, ok, routerWith } from '../support/express-cases.ts'

const connectApp = Object.assign(() => {}, { stack: [], use() {}, handle() {} })

describe('the router behind a handler', () => {
  it('is the handler itself, or that of an app with a route', () => {
    const router = routerWith('/a')
    expect(routerOf(router)).toBe(router)
    const app = express().get('/a', ok)
    expect(routerOf(app)).toBe(ownRouter(app as unknown as App))
    expect(routerOf(app)?.stack.length).toBeGreaterThan(0)
  })

  it('is unknown for handlers, errors and apps of other frameworks', () => {
    for (const other of [ok, connectApp, new Error('It has a stack.'), null, undefined, 'router']) {
      expect(routerOf(other)).toBeUndefined()
    }
  })
})

it('an app is distinguished from routers and from apps of other frameworks', () => {
  const app = express()
  expect(appOf(app)).toBe(app)
  for (const other of [newRouter(), ok, connectApp, {}]) expect(appOf(other)).toBeUndefined()
})

it('an app has its parents, from the inside to the outside', () => {
  const [inner, middle, outer] = [express(), express(), express()]
  outer.use('/middle', middle.use('/inner', inner))
  const app = inner as unknown as App
  expect([...appAndParents(app)]).toEqual([inner, middle, outer])
  expect(outermostOf(app)).toBe(outer)
})

it('a circle of parents ends', () => {
  const app: { parent?: App } = {}
  app.parent = app
  expect([...appAndParents(app)].length).toBeLessThan(1_000)
})
