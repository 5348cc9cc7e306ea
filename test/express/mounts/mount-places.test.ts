import express, { type Express } from 'express'
import { expect, it } from 'vitest'
import { type App, ownRouter } from '../../../packages/express/src/app.ts'
import type { Layer } from '../../../packages/express/src/layer.ts'
import { patternOf } from '../../../packages/express/src/layer-pattern.ts'
import { isNamedMount, mountsOf } from '../../../packages/express/src/mounts/mount-places.ts'
import { forgetsMounts, ok, pass } from '../../support/express-cases.ts'

const options = { sensitive: false, strict: false, end: false }
const layersOf = (app: Express) =>
  [...(ownRouter(app as unknown as App) as { stack: Layer[] }).stack].filter(
    ({ handle }) => !['query', 'expressInit'].includes((handle as { name: string }).name),
  )

/** Where the paths end up that some mount of the child takes. */
function placesOf(parent: Express, child: Express, siblings: Express[], path: string) {
  const functions = layersOf(parent)
  const places = mountsOf(child as unknown as App, {
    functions,
    siblings: siblings as unknown as App[],
    options,
    pattern: patternOf,
  })
  return places.flatMap(({ mount, isGuess }) => {
    const taken = mount.take(path)
    return taken === undefined ? [] : [{ ...taken, ...(isGuess && { isGuess }) }]
  })
}

it('an app that is mounted twice is found in both places', () => {
  const child = express().get('/x', ok)
  const parent = express().use('/one/:a', child).use('/two/:b', child)
  expect(placesOf(parent, child, [child], '/two/1/x')[0]).toEqual({ template: '/two/:b', rest: '/x' })
  expect(placesOf(parent, child, [child], '/one/1/x')[0]).toEqual({ template: '/one/:a', rest: '/x' })
})

it('a place with the path of another app is not one of this app', () => {
  const [child, sibling] = [express().get('/x', ok), express().get('/x', ok)]
  const parent = express().use('/sibling', sibling).use('/child', child)
  expect(placesOf(parent, child, [child, sibling], '/sibling/x')).toEqual([])
  expect(placesOf(parent, child, [child, sibling], '/child/x')).toEqual([{ template: '/child', rest: '/x' }])
})

it('a mount is known by the name that Express gives it', () => {
  const parent = express().use('/child', express()).use('/pass', pass)
  expect(layersOf(parent).map(isNamedMount)).toEqual([true, false])
})

if (forgetsMounts) console.log('skipped: router before 2.3 keeps no paths of mounts, so none can be a guess')
it.skipIf(forgetsMounts)('a function without that name is a guess, unless it takes every path', () => {
  const child = express().get('/x', ok)
  const parent = express().use(pass).use('/wrapped', pass)
  expect(placesOf(parent, Object.assign(child, { mountpath: '/last' }), [child], '/wrapped/x')).toEqual([
    { template: '/wrapped', rest: '/x', isGuess: true },
  ])
  expect(placesOf(parent, child, [child], '/other/x')).toEqual([])
})

it('a parent without functions has no place for an app', () => {
  const child = express()
  expect(
    mountsOf(child as unknown as App, { functions: [], siblings: [], options, pattern: patternOf }),
  ).toEqual([])
})
