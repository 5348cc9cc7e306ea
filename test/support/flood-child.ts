import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { createMeter, identifyBy, memoryStore } from '@px-usage/core'
import { inMemoryDelivery } from '@px-usage/core/testing'
import { pxUsage } from '@px-usage/express'
import { pxUsage as koaUsage } from '@px-usage/koa'
import type express from 'express'
import type Koa from 'koa'

// Floods of values that never repeat. Run with --expose-gc; prints the live heap in MB after each 20,000, and the statistics.
// The framework of the unmatched paths may be any that package.json of the tests has an alias for, such as `koa-2.13`.
const [, , flood, framework = 'express'] = process.argv
const total = 100_000

const meter = createMeter({ store: memoryStore(), delivery: inMemoryDelivery().delivery })
const call = { method: 'GET', route: '/', statusCode: 200, aborted: false }
const heap: number[] = []

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function measure(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
  global.gc?.()
  heap.push(Math.round((process.memoryUsage().heapUsed / 2 ** 20) * 10) / 10)
}

async function repeat(step: (index: number) => void): Promise<void> {
  for (let index = 0; index < total; index++) {
    step(index)
    if (index % 500 === 499) await turn()
    if (index % 20_000 === 19_999) await measure()
  }
}

async function unusableIds(): Promise<void> {
  await repeat((index) => {
    const junk = [
      `text ${index}`,
      { id: index },
      { userId: { id: index } },
      { userId: '', accountId: `${index}` },
    ]
    meter.record({ ...call, identity: junk[index % junk.length] as never })
  })
}

async function unknownCredentials(): Promise<void> {
  const identify = identifyBy<string>({
    credential: (key) => key,
    lookup: (key) => (key.includes('7 ') ? Promise.reject(new Error(`no ${key}`)) : Promise.resolve(null)),
  })
  await repeat((index) =>
    meter.record({ ...call, identity: identify(`sk_live_${index} ${'x'.repeat(200)}`) as never }),
  )
}

async function properties(): Promise<void> {
  await repeat((index) => meter.record({ ...call, identity: null, properties: { requestId: `r${index}` } }))
}

/** Owners, endpoints and properties that are parts of texts of 20,000 characters: V8 makes such a part a view into the text. */
async function cutTexts(): Promise<void> {
  const identify = identifyBy<string>({
    credential: (key) => key,
    lookup: async () => ({ userId: cut('a user with a long name') }),
  })
  for (let index = 0; index < 2_500; index++) {
    meter.record({
      ...call,
      identity: identify(`${index}`) as never,
      route: cut(`/v1/an/endpoint/${index % 500}`),
      properties: { plan: cut(`a plan with a long name ${index % 90}`) },
    })
    if (index % 500 === 499) await measure()
  }
}

function cut(text: string): string {
  return Buffer.from(text.padEnd(20_000, '.')).toString('latin1').slice(0, text.length)
}

function emptyApp(): RequestListener {
  const load = createRequire(import.meta.url)
  const options = { meter, identify: () => ({ userId: 'scanner' }) }
  if (!framework.startsWith('koa')) return (load(framework) as typeof express)().use(pxUsage(options))
  const module = load(framework)
  const App: typeof Koa = module.default ?? module
  return new App().use(koaUsage(options)).callback()
}

/** Through a framework and sockets: 404 for each path, many requests in one write. */
async function unmatchedPaths(): Promise<void> {
  const server = createServer(emptyApp()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const batch = 500
  for (let from = 0; from < total; from += batch) {
    let text = ''
    for (let id = from; id < from + batch; id++)
      text += `GET /${id}/wp-login.php?${id} HTTP/1.1\r\nHost: a\r\n\r\n`
    let answers = ''
    const done = new Promise<void>((resolve) => {
      socket.on('data', function count(chunk: Buffer) {
        answers += chunk.toString('latin1')
        // Counted over all that came: the end of a response may be split over two chunks.
        if (answers.split('HTTP/1.1 404').length <= batch) return
        socket.off('data', count)
        resolve()
      })
    })
    socket.write(text)
    await done
    if ((from + batch) % 20_000 === 0) await measure()
  }
  socket.destroy()
  server.close()
}

const floods: Record<string, () => Promise<void>> = {
  'unusable ids': unusableIds,
  'unknown credentials': unknownCredentials,
  'property values': properties,
  'unmatched paths': unmatchedPaths,
  'cut texts': cutTexts,
}
await floods[flood ?? '']?.()
await turn()
const { calls } = meter.stats()
process.stdout.write(JSON.stringify({ heap, calls, routes: meter.endpoints().slice(0, 3) }))
await meter.close()
