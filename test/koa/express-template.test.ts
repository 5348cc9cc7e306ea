import express, { type RequestHandler, Router } from 'express'
import { expect, it } from 'vitest'
import { expressTemplate } from '../../packages/koa/src/express-template.ts'
import { send, startServer } from '../support/http-client.ts'

/** The template that a handler of Express sees for its own request. */
async function templateOf(path: string, build: (app: express.Express, route: RequestHandler) => void) {
  let template: string | undefined
  const app = express()
  build(app, (req, res) => {
    template = expressTemplate(req as never, undefined)
    res.json({})
  })
  const server = await startServer(app)
  const { status } = await send(server.url, { path })
  await server.close()
  expect(status).toBe(200)
  return template
}

it('a route is named by its path, with the templates of its mounts', async () => {
  expect(await templateOf('/users/1', (app, route) => void app.get('/users/:id', route))).toBe('/users/:id')
  expect(
    await templateOf('/orgs/acme/users/1', (app, route) => {
      app.use('/orgs/:org', Router({ mergeParams: true }).get('/users/:id', route))
    }),
  ).toBe('/orgs/:org/users/:id')
  expect(
    await templateOf('/orgs/acme', (app, route) => void app.use('/orgs/:org', Router().get('/', route))),
  ).toBe('/orgs/:org')
})

it('a route of a mounted app is named with the path of the mount', async () => {
  expect(
    await templateOf('/admin/users/1', (app, route) => {
      app.use('/admin', express().get('/users/:id', route))
    }),
  ).toBe('/admin/users/:id')
})

it('a mount whose parameter is a part of a segment has no name, as its value must not be in it', async () => {
  expect(
    await templateOf('/v-2/users', (app, route) => void app.use('/v-:v', Router().get('/users', route))),
  ).toBeUndefined()
})

it('a request that no router of Express has, or that had the route before, has no name', () => {
  const route = { path: '/a', stack: [] }
  const req = { route, app: { _router: { stack: [{ route }] } }, baseUrl: '', next() {} }
  expect(expressTemplate(req as never, undefined)).toBe('/a')
  expect(expressTemplate(req as never, route)).toBeUndefined()
  expect(expressTemplate({ ...req, next: undefined } as never, undefined)).toBeUndefined()
  expect(expressTemplate({} as never, undefined)).toBeUndefined()
})
