import { describe, expect, it, vi } from 'vitest'
import { watchedProperty } from '../../packages/koa/src/watch-context.ts'

function watched() {
  const onAssign = vi.fn<(target: object, value: unknown) => void>()
  const prototype: { matched?: unknown } = {}
  watchedProperty('matched', onAssign)(prototype)
  return { onAssign, create: (): { matched?: unknown } => Object.create(prototype), prototype }
}

describe('a watched property', () => {
  it('reports each assignment, and reads and lists like a plain one', () => {
    const { onAssign, create } = watched()
    const context = create()
    expect([context.matched, Object.keys(context)]).toEqual([undefined, []])
    context.matched = 1
    context.matched = 2
    expect(onAssign.mock.calls).toEqual([
      [context, 1],
      [context, 2],
    ])
    expect([context.matched, Object.keys(context)]).toEqual([2, ['matched']])
  })

  it('keeps the values of contexts apart, and hands them down', () => {
    const { create } = watched()
    const [one, other] = [create(), create()]
    one.matched = 1
    other.matched = 2
    expect([one.matched, other.matched, Object.create(one).matched]).toEqual([1, 2, 1])
    delete one.matched
    expect(one.matched).toBeUndefined()
  })

  it('is refused on what inherits from a context that was given a value and frozen later', () => {
    const { prototype } = watched()
    const context: { matched?: unknown } = Object.create(prototype)
    const before: { matched?: unknown } = Object.create(context)
    before.matched = 1
    context.matched = 2
    Object.freeze(context)
    const after: { matched?: unknown } = Object.create(context)
    expect(() => {
      after.matched = 3
    }).toThrow(TypeError)
    expect(Object.hasOwn(after, 'matched')).toBe(false)
  })

  it('throws for a frozen context, as a plain one does in strict code', () => {
    const { create } = watched()
    const frozen = create()
    Object.freeze(frozen)
    expect(() => {
      frozen.matched = 1
    }).toThrow(TypeError)
    expect(frozen.matched).toBeUndefined()
  })
})

it.each([
  ['an accessor of the app', { get: () => 'mine', configurable: true }],
  ['a read-only property', { value: 'mine', writable: false, configurable: true }],
])('%s is left alone', (_about, descriptor) => {
  const holder = Object.defineProperty({}, 'matched', descriptor)
  const before = Object.getOwnPropertyDescriptor(holder, 'matched')
  watchedProperty('matched', () => {})(holder)
  expect(Object.getOwnPropertyDescriptor(holder, 'matched')).toEqual(before)
})
