import { existsSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { Meter } from '@px-usage/core'
import { pxUsage as expressUsage } from '@px-usage/express'
import { pxUsage as httpUsage } from '@px-usage/http'
import { pxUsage as koaUsage } from '@px-usage/koa'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'

interface Options {
  enabled?: boolean
}

const identify = () => {
  throw new Error('nobody is asked')
}
const apps: Record<string, (options: Options) => { listener: RequestListener; meter: Meter }> = {
  http(options) {
    const usage = httpUsage({ ...options, identify })
    const server = createServer((req, res) => {
      usage(req, res)
      res.end('hello')
    })
    return { listener: (req, res) => void server.emit('request', req, res), meter: usage.meter }
  },
  Express(options) {
    const usage = expressUsage({ ...options, identify })
    const app = express()
    app.use(usage)
    app.get('/', (_req, res) => void res.send('hello'))
    return { listener: app, meter: usage.meter }
  },
  Koa(options) {
    const usage = koaUsage({ ...options, identify })
    const app = new Koa()
    app.use(usage)
    app.use((ctx) => {
      ctx.body = 'hello'
    })
    return { listener: app.callback(), meter: usage.meter }
  },
}

afterEach(() => vi.unstubAllEnvs())

describe.each(Object.keys(apps))('%s, switched off', (name) => {
  it.each<[string, Options, string | undefined]>([
    ['enabled: false', { enabled: false }, undefined],
    ['PX_USAGE_ENABLED=false', {}, 'false'],
    ['PX_USAGE_ENABLED=0', {}, '0'],
  ])(
    'by %s needs no keys, sends no request, and its meter accepts all and keeps nothing',
    async (_how, options, variable) => {
      vi.stubEnv('PX_API_KEY', undefined)
      vi.stubEnv('PX_PRODUCT_KEY', undefined)
      vi.stubEnv('PX_USAGE_ENABLED', variable)
      const { listener, meter } = (apps[name] as (typeof apps)[string])(options)
      const server = await startServer(listener)
      expect((await send(server.url)).body).toBe('hello')
      await server.close()

      meter.counter('rowsExported', { property: 'rows' }).add({ userId: 'ann' }, 3)
      meter.gauge('seats', { property: 'seats' }).record({ userId: 'ann' }, 3)
      meter.observableGauge('storage', { property: 'bytes' }, () => expect.unreachable())
      meter.track('Report Made', { userId: 'ann' })
      meter.record({
        identity: { userId: 'ann' },
        method: 'GET',
        route: '/',
        statusCode: 200,
        aborted: false,
      })
      await meter.flush()
      const { calls, lines, tracked } = meter.stats()
      expect([calls.counted, calls.inMemory, lines.closed, tracked.held]).toEqual([0, 0, 0, 0])
      expect(await meter.preview()).toEqual([])
      for await (const line of meter.outbox()) expect(line).toBeUndefined()
      expect(existsSync('.px-usage')).toBe(false)
      expect(await meter.close()).toMatchObject({ lost: { calls: 0, lines: 0 } })
    },
  )
})
