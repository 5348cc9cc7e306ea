import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Received {
  eventId: string
  eventName: string
  identifyId: string
  date: number
  attributes: Record<string, unknown>
}

/** One request as the script sees it. */
export interface Exchange {
  method: string
  url: URL
  /** The number of the request among those of its method, from 1. */
  n: number
  body: string
  req: IncomingMessage
  res: ServerResponse
  /** Keeps the event of a POST. */
  store(): void
  answer(status: number, body?: string, headers?: Record<string, string>): void
  /** Does what PX does: 201 for a POST, the list for a GET. */
  work(): void
}

export interface ScriptedPx {
  url: string
  /** What PX keeps, in the order of arrival. */
  events: Received[]
  requests: Array<{ method: string; url: URL; atMs: number }>
  /** Does something else than PX. It need not reply at all. */
  script: (exchange: Exchange) => void
  /** The time by which an event shows. */
  now: () => number
  /** How long PX needs to show an event, in ms. */
  lagMs: (event: Received) => number
  count(method: string): number
  /** `rollupId` of each event kept, in order. */
  ids(): string[]
  close(): Promise<void>
}

/**
 * A stand-in for PX that obeys the test. Its list follows the documentation to the letter where that may hurt: a page of 25, a day by
 * default, 190 days at most, filters that ignore case and take `*` and `?` also after `==`, a `scrollId` on the last page.
 */
export async function startScriptedPx(now: () => number = Date.now): Promise<ScriptedPx> {
  const shownAt = new Map<string, number>()
  const counts = new Map<string, number>()
  const px: ScriptedPx = {
    url: '',
    events: [],
    requests: [],
    script: (exchange) => exchange.work(),
    now,
    lagMs: () => 0,
    count: (method) => counts.get(method) ?? 0,
    ids: () => px.events.map(({ attributes }) => attributes.rollupId as string),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  function keep(body: string): void {
    const event: Received = { eventId: randomUUID(), ...JSON.parse(body) }
    px.events.push(event)
    shownAt.set(event.eventId, px.now() + px.lagMs(event))
  }

  function shown(event: Received): boolean {
    return (shownAt.get(event.eventId) as number) <= px.now()
  }

  const server = createServer((req, res) => {
    const { method = '' } = req
    const chunks: Buffer[] = []
    req.on('error', () => {})
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const n = px.count(method) + 1
      counts.set(method, n)
      const url = new URL(req.url ?? '', px.url)
      px.requests.push({ method, url, atMs: px.now() })
      const body = Buffer.concat(chunks).toString()
      const exchange: Exchange = {
        method,
        url,
        n,
        body,
        req,
        res,
        store: () => keep(body),
        answer: (status, text = '', headers = {}) => void res.writeHead(status, headers).end(text),
        work() {
          if (method === 'GET') return exchange.answer(...listOf(px.events.filter(shown), url, px.now()))
          exchange.store()
          exchange.answer(201)
        },
      }
      px.script(exchange)
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  px.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return px
}

const dayMs = 86_400_000

function listOf(events: Received[], { searchParams }: URL, nowMs: number): [number, string] {
  const pageSize = Number(searchParams.get('pageSize') ?? 25)
  const endMs = Number(searchParams.get('dateRangeEnd') ?? nowMs)
  const startMs = Number(searchParams.get('dateRangeStart') ?? endMs - dayMs)
  if (!(pageSize >= 1 && pageSize <= 1_000) || endMs - startMs > 190 * dayMs) return [400, 'Exceeded']
  const conditions = (searchParams.get('filter') ?? '').split(';').map((text) => {
    const [, field = '', operator = '', wanted = ''] = /^(\w+)(==|>=|<=)(.*)$/s.exec(text) ?? []
    return { field, operator, wanted }
  })
  if (conditions.some(({ field }) => !['identifyId', 'eventName', 'date'].includes(field)))
    return [400, 'filter']
  const hits = events.filter(
    (event) =>
      event.date >= startMs &&
      event.date <= endMs &&
      conditions.every(({ field, operator, wanted }) => {
        const value = String(event[field as keyof Received])
        if (operator === '>=') return Number(value) >= Number(wanted)
        if (operator === '<=') return Number(value) <= Number(wanted)
        return wildcard(wanted).test(value)
      }),
  )
  const offset = Number(searchParams.get('scrollId') ?? 0)
  const customEvents = hits.slice(offset, offset + pageSize)
  const scrollId = String(offset + customEvents.length)
  return [200, JSON.stringify({ customEvents, totalHits: hits.length, scrollId })]
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'is')
}
