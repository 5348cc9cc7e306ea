import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { parseRoutes, readRoutes } from '../../../packages/cli/src/routes/read-routes.ts'

const users = { method: 'GET', route: '/v1/users/:id' }

describe('routes', () => {
  it('come from a list with one on each line', () => {
    const text = '# the API\nGET /v1/users/:id\n\n/health\r\n'
    expect(parseRoutes(text, 'r.txt')).toEqual([users, { method: undefined, route: '/health' }])
  })

  it.each([
    [[users, { method: 'GET', route: '(unmatched)' }]],
    [{ endpoints: [{ ...users, calls: 9 }] }],
    [['GET /v1/users/:id']],
  ])('come from the JSON of an app: %j', (content) => {
    expect(parseRoutes(JSON.stringify(content), 'r.json')).toEqual([users])
  })

  it('have any method unless it is one of HTTP', () => {
    expect(parseRoutes('[{"method":"_OTHER","route":"/a"}]', 'r')).toEqual([
      { method: undefined, route: '/a' },
    ])
  })

  it('come from OpenAPI 3 in YAML, named as Express and Koa name them', () => {
    const text = `openapi: 3.1.0
servers:
  - url: https://api.example.com/v1/
paths:
  /users/{id}:
    parameters: []
    get: { summary: a user }
  /users/{id}/orders:
    post: {}
`
    expect(parseRoutes(text, 'api.yaml')).toEqual([users, { method: 'POST', route: '/v1/users/:id/orders' }])
  })

  it('come from Swagger 2 in JSON', () => {
    const content = { swagger: '2.0', basePath: '/v1', paths: { '/users/{id}': { get: {} } } }
    expect(parseRoutes(JSON.stringify(content), 'api.json')).toEqual([users])
  })

  it.each([
    ['users', 'line 1: "users" is no template'],
    ['{"a":1}', 'neither paths (OpenAPI) nor a list of endpoints'],
    ['[{"path":"/a"}]', 'an entry has no route: {"path":"/a"}'],
    ['{"a":', 'line 1'],
  ])('are refused with the reason: %j', (text, message) => {
    expect(() => parseRoutes(text, 'r.json')).toThrow(message)
  })

  it('come from the running app', async () => {
    const server = createServer((req, res) => {
      res.statusCode = req.url === '/endpoints' ? 200 : 404
      res.end(JSON.stringify([users]))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await readRoutes(`http://127.0.0.1:${port}/endpoints`, '/')).toEqual([users])
    await expect(readRoutes(`http://127.0.0.1:${port}/no`, '/')).rejects.toThrow('the app returned 404')
    server.close()
  })

  it('that are missing are reported', async () => {
    await expect(readRoutes('none.txt', '/nowhere')).rejects.toThrow('Cannot read the routes from none.txt')
    await expect(readRoutes('/dev/null', '/')).rejects.toThrow('has no route template')
  })
})
