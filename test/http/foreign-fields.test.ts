import { describe, expect, it } from 'vitest'
import { createSlot, plainProperty } from '../../packages/http/src/foreign-fields.ts'

describe('a private slot', () => {
  it('keeps one value per object, and the newest one', () => {
    const slot = createSlot<number>()
    const [one, other] = [{}, {}]
    slot.set(one, 1)
    slot.set(other, 2)
    slot.set(one, 3)
    expect([slot.get(one), slot.get(other)]).toEqual([3, 2])
  })

  it('holds values for frozen objects too', () => {
    const slot = createSlot<number>()
    const frozen = Object.freeze({})
    expect(slot.get(frozen)).toBeUndefined()
    slot.set(frozen, 1)
    slot.set(frozen, 2)
    expect(slot.get(frozen)).toBe(2)
  })

  it('is separate from other slots, and from objects that inherit from its target', () => {
    const [slot, other] = [createSlot<number>(), createSlot<number>()]
    const target = {}
    slot.set(target, 1)
    expect(other.get(target)).toBeUndefined()
    expect(slot.get(Object.create(target))).toBeUndefined()
  })

  it('cannot be seen by the app', () => {
    const slot = createSlot<number>()
    const target = {}
    slot.set(target, 1)
    expect(Reflect.ownKeys(target)).toEqual([])
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype)
  })

  it.each([undefined, null, 1, 'text'])('has no value for %j', (target) => {
    expect(createSlot<number>().get(target)).toBeUndefined()
  })
})

describe('a plain property', () => {
  const define = plainProperty('route')

  it('is like one that the app assigned itself', () => {
    const target = {}
    expect(define(target, 'first')).toBe(true)
    const assigned = { configurable: true, enumerable: true, writable: true }
    expect(Object.getOwnPropertyDescriptor(target, 'route')).toEqual({ value: 'first', ...assigned })
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype)
  })

  it('ignores a setter that the object inherits, for each of many objects', () => {
    let calls = 0
    const prototype = Object.defineProperty({}, 'route', {
      set() {
        calls += 1
      },
    })
    for (let round = 0; round < 10_000; round++) {
      const target = Object.create(prototype)
      expect(define(target, round) && Object.hasOwn(target, 'route') && target.route === round).toBe(true)
    }
    expect(calls).toBe(0)
  })

  it('replaces an accessor of the object', () => {
    const target = Object.defineProperty({}, 'route', { configurable: true, get: () => 'accessor' })
    expect(define(target, 'plain')).toBe(true)
    expect(target).toEqual({ route: 'plain' })
  })

  it('works while the app has added `get` to Object.prototype', () => {
    const target = {}
    let isDefined = false
    Object.defineProperty(Object.prototype, 'get', { configurable: true, value: () => 'polluted' })
    try {
      isDefined = define(target, 'plain')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'get')
    }
    expect(isDefined).toBe(true)
    expect(target).toEqual({ route: 'plain' })
  })

  it('says so if it cannot be defined', () => {
    expect(define(Object.freeze({}), 'plain')).toBe(false)
    const refusing = new Proxy({}, { defineProperty: () => false })
    expect(define(refusing, 'plain')).toBe(false)
  })
})
