import { describe, expect, it } from 'vitest'
import { type RoutedRequest, visitOf, watchRoutes } from '../../packages/express/src/watch-route.ts'

/** A request as an app makes it: with the app on its prototype. */
function request(fields: object = {}): RoutedRequest {
  const prototype = { app: { mountpath: '/' } }
  watchRoutes(prototype)
  return Object.assign(Object.create(prototype), { baseUrl: '/base', params: { a: '1' }, ...fields })
}
const route = (path: string) => ({ path, stack: [] })

describe('the route that names a call', () => {
  it('is the last one that was entered, with the mounts that led to it', () => {
    const req = request()
    expect(visitOf(req)).toBeUndefined()
    const [first, second] = [route('/a'), route('/b')]
    req.route = first
    expect(visitOf(req)).toMatchObject({ route: first, baseUrl: '/base', mountParams: { a: '1' } })
    req.baseUrl = '/other'
    req.params = {}
    req.route = second
    expect(visitOf(req)).toMatchObject({ route: second, baseUrl: '/other', mountParams: {} })
  })

  it('stays the one that had responded when a later one is entered', () => {
    const res = { headersSent: false }
    const req = request({ res })
    const [first, second] = [route('/a'), route('/b')]
    req.route = first
    res.headersSent = true
    req.route = second
    expect(visitOf(req)).toMatchObject({ route: first, hasResponded: true })
    expect(req.route).toBe(second)
  })

  it('is the one that a request had before it was watched', () => {
    const req = { route: route('/a'), baseUrl: '/x' } as unknown as RoutedRequest
    expect(visitOf(req)).toMatchObject({ route: { path: '/a' }, baseUrl: '/x', hasResponded: false })
  })
})

describe('req.route', () => {
  it('reads, lists and is inherited like a plain property', () => {
    const req = request()
    expect([req.route, Object.keys(req).includes('route')]).toEqual([undefined, false])
    const first = route('/a')
    req.route = first
    expect([req.route, Object.create(req).route, Object.keys(req).includes('route')]).toEqual([
      first,
      first,
      true,
    ])
  })

  it('takes anything that the app assigns', () => {
    const req = request() as { route?: unknown }
    req.route = 'mine'
    expect(Object.getOwnPropertyDescriptor(req, 'route')?.value).toBe('mine')
    expect(visitOf(request())).toBeUndefined()
  })

  it('is left alone on a prototype where the app put its own', () => {
    const prototype = { app: {}, route: 'mine' }
    watchRoutes(prototype)
    expect(prototype.route).toBe('mine')
  })
})
