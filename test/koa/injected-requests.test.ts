import Router from '@koa/router'
import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'
import { describe, inject } from 'vitest'
import { injectedContract } from '../contracts/injected-contract.ts'

describe(`requests injected into ${inject('framework')}`, () => {
  injectedContract((meter) => {
    const app = new Koa()
    app.silent = true
    app.use(pxUsage({ meter, identify: () => ({ userId: 'ann' }) }))
    const router = new Router()
    router.get('/users/:id', (ctx) => {
      ctx.body = { id: ctx.params.id }
    })
    router.get('/fails', () => {
      throw new Error('This route always fails.')
    })
    router.get('/destroyed', (ctx) => {
      ctx.respond = false
      ctx.res.destroy()
    })
    return app.use(router.routes()).callback()
  })
})
