import { expect, it } from 'vitest'
import { compiledLayer, forEachLayer, type Layer } from '../../packages/express/src/layer.ts'
import { newRouter, ok, pass, routerWith } from '../support/express-cases.ts'

function layersOf(stack: unknown): Layer[] {
  const layers: Layer[] = []
  forEachLayer(stack, (layer) => layers.push(layer))
  return layers
}

it('every layer of a stack is visited, in order', () => {
  const router = newRouter().use(pass).get('/a', ok).use('/b', routerWith('/c'))
  expect(layersOf(router.stack)).toEqual(router.stack)
  expect(router.stack).toHaveLength(3)
})

it('what the app put in a stack, and what throws when it is read, costs no other layer', () => {
  const [layer] = newRouter().get('/a', ok).stack as unknown[]
  const throwing: { stack?: unknown } = new Proxy(
    {},
    {
      get() {
        throw new Error('This proxy always fails.')
      },
    },
  )
  const stack: unknown[] = [null, 'text', { handle: ok }, throwing, layer]
  Object.defineProperty(stack, 5, { get: () => throwing.stack })
  expect(layersOf(stack)).toEqual([layer])
})

it('a layer is compiled for another path as this version of Express does', () => {
  const [layer] = newRouter().get('/a', ok).stack as unknown as Layer[]
  const options = { sensitive: true, strict: false, end: true }
  const compiled = compiledLayer(layer!, '/users/:id', options)
  const matches = (path: string) =>
    Boolean((compiled as unknown as { match(path: string): unknown }).match(path))
  expect([matches('/users/1'), matches('/USERS/1'), matches('/users/1/2'), matches('/a')]).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(compiled.constructor).toBe(layer!.constructor)
})
