import { describe, expect, it } from 'vitest'
import { createSlot } from '../../packages/http/src/private-slot.ts'

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
