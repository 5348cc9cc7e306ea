import { tracingChannel } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type express from 'express'
import { createRouteTemplates } from '../../packages/express/src/route-template.ts'
import type { RoutedRequest } from '../../packages/express/src/watch-route.ts'

/**
 * What the name of a call costs on each version of Express, in ns of CPU: a whole request through the routers without network, bare,
 * then with the cached walk of the tree and the watch on the request, and on 5.3 with its TracingChannel in place of both. The cases
 * take turns, each is compared with bare of the same round. Takes half a minute:
 *
 * `node --conditions=@px-usage/source --import tsx test/bench/route-lookup.ts`
 */
const rounds = Number(process.env.ROUNDS ?? 31)
const calls = Number(process.env.CALLS ?? 1_000)
const versions = process.env.VERSIONS?.split(' ') ?? [
  '4.17',
  '4.18',
  '4.19',
  '4.20',
  '4.21',
  '4.22',
  '5.0',
  '5.1',
  '5.2',
  '5.3',
]

const load = createRequire(import.meta.url)
const socket = new Socket()
let name: string | undefined

/** What is done with a request: when it comes, and when it is answered. */
interface Naming {
  enter(req: RoutedRequest): void
  answer(req: RoutedRequest): void
}

const nothing: Naming = { enter() {}, answer() {} }

function walking(): Naming {
  const templates = createRouteTemplates()
  let entered: ReturnType<typeof templates.enter>
  return {
    enter(req) {
      entered = templates.enter(req)
    },
    answer(req) {
      name = templates.of(req, 200, entered)
    },
  }
}

const channel = tracingChannel('express.router.request')
const namesKey = Symbol('names')
type Traced = RoutedRequest & { [namesKey]?: unknown[] }
const onStart = {
  start(message: unknown) {
    const { req, route } = message as { req: Traced; route: unknown }
    req[namesKey] ??= []
    if (route !== '/') req[namesKey].push(route)
  },
}
const tracing: Naming = {
  enter() {},
  answer(req: Traced) {
    name = req[namesKey]?.join('')
  },
}

interface Shape {
  /** In how many places the router is mounted. */
  places?: number
  /** Whether a handler stands behind the routes, as for 404: then a request is watched, but on 5.3. */
  isWatched?: boolean
}

/** Four middleware, and a route behind a mount with a parameter. */
function createApp(version: string, naming: Naming, { places = 1, isWatched = false }: Shape = {}) {
  const framework = load(`express-${version}`) as typeof express
  const app = framework().disable('x-powered-by')
  app.use((req, _res, next) => {
    naming.enter(req as unknown as RoutedRequest)
    next()
  })
  for (let i = 0; i < 4; i++) app.use((_req, _res, next) => next())
  const router = framework.Router()
  router.get('/users/:id', (req) => naming.answer(req as unknown as RoutedRequest))
  for (const mount of ['/v1/tenants/:tenant', '/v2/tenants/:tenant'].slice(-places)) app.use(mount, router)
  if (isWatched) app.use((_req, _res, next) => next())
  return app
}

function nsPerCall(app: ReturnType<typeof createApp>): number {
  const before = process.cpuUsage()
  for (let i = 0; i < calls; i++) {
    const req = Object.assign(new IncomingMessage(socket), {
      method: 'GET',
      url: `/v2/tenants/${i}/users/${i}`,
    })
    app(req as never, new ServerResponse(req) as never)
  }
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1_000) / calls
}

const at = (values: number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] as number

console.log(
  `${rounds} rounds of ${calls} requests, Node ${process.versions.node}; medians and quartiles, in ns of CPU per request\n`,
)
console.log('| Express | Naming | bare | added | name |\n| --- | --- | --: | --: | --- |')
for (const version of versions) {
  const cases = [
    { about: 'bare', app: createApp(version, nothing) },
    { about: 'bare again', app: createApp(version, nothing) },
    { about: 'walk', app: createApp(version, walking()) },
    { about: 'walk, two mounts', app: createApp(version, walking(), { places: 2 }) },
    { about: 'walk and watch', app: createApp(version, walking(), { isWatched: true }) },
    ...(version === '5.3' ? [{ about: 'TracingChannel', app: createApp(version, tracing) }] : []),
  ].map((each) => ({ ...each, times: [] as number[], name: '' }))
  for (let round = -3; round < rounds; round++) {
    // Another order each round, so that no case always follows the same one.
    for (const turn of cases.keys()) {
      const each = cases[(turn + (round + 3) * 2) % cases.length] as (typeof cases)[number]
      name = ''
      if (each.about === 'TracingChannel') channel.subscribe(onStart as never)
      const ns = nsPerCall(each.app)
      if (each.about === 'TracingChannel') channel.unsubscribe(onStart as never)
      each.name = String(name)
      if (round >= 0) each.times.push(ns)
    }
  }
  const [bare, ...others] = cases
  for (const { about, times, name } of others) {
    const added = times.map((ns, round) => ns - (bare?.times[round] as number))
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => Math.round(at(added, part)))
    console.log(
      `| ${version} | ${about} | ${Math.round(at(bare?.times as number[], 0.5))} | ${middle} [${low}, ${high}] | ${name} |`,
    )
  }
}
