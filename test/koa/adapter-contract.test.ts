import { createRequire } from 'node:module'
import Router from '@koa/router'
import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'
import { describe, expect, inject, it } from 'vitest'
import { bodyStream } from '../contracts/adapter/observed-app.ts'
import { adapterContract } from '../contracts/adapter-contract.ts'

const alias = inject('framework')

describe(`koa ${alias}`, () => {
  it('is the version that this project is for', () => {
    const { version } = createRequire(import.meta.url)(`${alias}/package.json`) as { version: string }
    expect(`koa-${version}`.startsWith(`${alias}.`)).toBe(true)
    expect(Koa).toBe(createRequire(import.meta.url)(alias).default ?? createRequire(import.meta.url)(alias))
  })

  adapterContract({
    http2: true,
    createApp(usage, handler = () => {}) {
      const app = new Koa()
      app.silent = true
      if (usage !== undefined) {
        const { meter, times = 1, second, identify = () => ({ userId: 'ann' }) } = usage
        for (let i = 0; i < times; i++) {
          app.use(pxUsage({ meter, identify: identify as () => null }))
          if (second !== undefined) app.use(pxUsage({ meter: second, identify: identify as () => null }))
        }
      }
      const { behind } = usage ?? {}
      if (behind !== undefined) app.use((ctx, next) => behind(ctx.req, next) as Promise<void>)
      const router = new Router()
      router.get('/users/:id', (ctx) => {
        ctx.body = { id: ctx.params.id }
      })
      router.get('/slow', () => new Promise(() => {}))
      router.get('/stream', (ctx) => {
        ctx.body = bodyStream()
      })
      router.get('/fails', () => {
        throw new Error('This route always fails.')
      })
      router.get('/fails-later', async () => {
        await new Promise(setImmediate)
        throw new Error('This route always fails, later.')
      })
      router.all('/raw', (ctx) => {
        ctx.respond = false
        ctx.res.statusCode = 200
        handler(ctx.req, ctx.res)
      })
      const orders = new Router()
      orders.get('/:id', (ctx) => {
        ctx.body = { id: ctx.params.id }
      })
      router.use('/orders', orders.routes())
      app.use(router.routes())
      return app.callback()
    },
  })
})
