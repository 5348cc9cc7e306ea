import { describe, expect, it } from 'vitest'
import type { Pattern } from '../../packages/express/src/layer-pattern.ts'
import type { RouteTree, Way } from '../../packages/express/src/route-tree.ts'
import type { RouteVisit } from '../../packages/express/src/watch-route.ts'
import { constantOf, templateBehind, templateByPath } from '../../packages/express/src/way-template.ts'

/** A pattern of one segment, or of a parameter. */
function segment(template: string): Pattern {
  const take = (path: string) => {
    const [, taken = '', rest = ''] = /^(\/[^/]*)(.*)$/.exec(path) ?? []
    const fits = template.startsWith('/:') || template === taken
    return fits ? { template, rest: rest === '' ? '/' : rest } : undefined
  }
  return { constant: template, take }
}
const wayOf = (...templates: string[]): Way => {
  const patterns = templates.map(segment)
  return { mounts: patterns.slice(0, -1), route: patterns.at(-1)! } as Way
}
const unknown: Pattern = { constant: undefined, take: () => undefined }

describe('the template of a way', () => {
  it('is joined of its mounts and its route, where all of them are the same for every path', () => {
    expect(constantOf(wayOf('/v1/', '/users', '/:id'))).toBe('/v1/users/:id')
    expect(constantOf(wayOf('/v1', '/'))).toBe('/v1')
    expect(constantOf(wayOf('/', '/'))).toBe('/')
    expect(constantOf({ ...wayOf('/a'), mounts: [unknown] } as Way)).toBeUndefined()
  })
})

describe('of several ways', () => {
  const ways = [wayOf('/a', '/:x'), wayOf('/:t', '/:y')]

  it('the first one that takes the path names the call', () => {
    expect(templateByPath(ways, ['/a/1'])).toBe('/a/:x')
    expect(templateByPath(ways, ['/b/1'])).toBe('/:t/:y')
  })

  it('each path is tried before the next one', () => {
    expect(templateByPath([wayOf('/a', '/:x')], ['/b/1', '/a/1'])).toBe('/a/:x')
  })

  it('one that needs no path and is no guess names a call whose path fits none', () => {
    const guess = { ...wayOf('/guess', '/x'), isGuess: true } as Way
    expect(templateByPath([guess, wayOf('/sure', '/x')], ['/'])).toBe('/sure/x')
    expect(templateByPath([guess], ['/'])).toBeUndefined()
  })
})

describe('behind a function that calls a router of its own', () => {
  const treeOf = (...closures: Pattern[][]) => ({ closures }) as unknown as RouteTree
  const visit = (more: Partial<RouteVisit>) =>
    ({ route: { path: '/:id' }, baseUrl: '/fn/acme', mountParams: { org: 'acme' }, ...more }) as RouteVisit

  it('the values in the path of the mount become the names of their parameters', () => {
    const tree = treeOf([segment('/fn')])
    expect(templateBehind(tree, visit({}))).toBe('/fn/:org/:id')
    const encoded = visit({ baseUrl: '/fn/a%20b', mountParams: { org: 'a b' } })
    expect(templateBehind(tree, encoded)).toBe('/fn/:org/:id')
  })

  it('no name is given where the params are not known by name', () => {
    const tree = treeOf([segment('/fn')])
    expect(templateBehind(tree, visit({ mountParams: { 0: 'acme' } }))).toBeUndefined()
    expect(templateBehind(tree, visit({ mountParams: undefined }))).toBeUndefined()
    expect(templateBehind(treeOf([]), visit({}))).toBeUndefined()
  })

  it('at most 1,000 names are made of paths', () => {
    const tree = treeOf([segment('/fn')])
    const name = (at: number) => templateBehind(tree, visit({ baseUrl: `/fn/${at}` }))
    for (let at = 0; at < 1_000; at += 1) expect(name(at)).toBe(`/fn/${at}/:id`)
    expect(name(1_000)).toBeUndefined()
    expect(name(7)).toBe('/fn/7/:id')
  })
})
