import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createMeter, type Meter, memoryStore } from '@px-usage/core'
import { pxUsage as expressUsage } from '@px-usage/express'
import { pxUsage as koaUsage } from '@px-usage/koa'
import express from 'express'
import Koa from 'koa'
import { describe, expect, it } from 'vitest'

const ann = () => ({ userId: 'ann' })
const paths = 10_000
const longPath = `/${'a'.repeat(65_536)}`

function expressApp(meter: Meter): RequestListener {
  const app = express()
  app.use(expressUsage({ meter, identify: ann }))
  app.get('/v1/users/:id', (_req, res) => void res.end('ok'))
  return app
}

function koaApp(meter: Meter): RequestListener {
  const app = new Koa()
  app.use(koaUsage({ meter, identify: ann }))
  return app.callback()
}

/** Sends requests on one connection, a few ahead of their answers, and tells how many answers of a status came. */
async function ask(port: number, all: readonly string[], status: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  const left = all.values()
  const next = () => {
    const { value } = left.next()
    if (value !== undefined) socket.write(`GET ${value} HTTP/1.1\r\nhost: a\r\n\r\n`)
  }
  let text = ''
  let answers = 0
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      // Over all that came: the head of an answer may be split over two chunks.
      text += chunk.toString('latin1')
      const now = text.split('HTTP/1.1 ').length - 1
      for (; answers < now; answers++) next()
      if (answers === all.length) resolve()
    })
    for (let ahead = 0; ahead < 4; ahead++) next()
  })
  socket.destroy()
  return text.split(`HTTP/1.1 ${status} `).length - 1
}

describe('paths', () => {
  it.each([
    ['Express', expressApp],
    ['Koa', koaApp],
  ] as const)(
    'of 64 KB, and 10,000 distinct ones, become one unmatched endpoint in %s',
    async (_, createApp) => {
      const meter = createMeter({ store: memoryStore(), dryRun: true })
      // Node itself answers 431 to more than 16 KB of headers, and such a request reaches no app.
      const server = createServer({ maxHeaderSize: 100_000 }, createApp(meter)).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as AddressInfo
      const distinct = Array.from({ length: paths }, (_, path) => `/${path}/wp-login.php?${path}`)
      for (let from = 0; from < paths; from += 100) {
        expect(await ask(port, distinct.slice(from, from + 100), 404)).toBe(100)
      }
      expect(await ask(port, [longPath, `${longPath}?${longPath.slice(0, 1_000)}`], 404)).toBe(2)
      expect(meter.endpoints()).toEqual([{ method: 'GET', route: '(unmatched)' }])
      expect(await meter.preview()).toMatchObject([
        { eventName: 'dailyApiCalls', attributes: { apiCalls: paths + 2 } },
        { eventName: 'dailyEndpointCalls', attributes: { apiCalls: paths + 2, endpoint: '(unmatched)' } },
      ])
      server.closeAllConnections()
      server.close()
      await meter.close()
    },
  )

  it('with a parameter of 64 KB have the name of their route', async () => {
    const meter = createMeter({ store: memoryStore(), dryRun: true })
    const server = createServer({ maxHeaderSize: 100_000 }, expressApp(meter)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    expect(await ask(port, [`/v1/users${longPath}`, '/v1/users/7'], 200)).toBe(2)
    expect(meter.endpoints()).toEqual([{ method: 'GET', route: '/v1/users/:id' }])
    server.closeAllConnections()
    server.close()
    await meter.close()
  })
})
