import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeChecked, encodeChecked } from '../../../packages/core/src/files/checked-json.ts'

const isAny = (_value: unknown): _value is unknown => true

it('a value comes back as it was kept', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(decodeChecked(encodeChecked(value), isAny)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it('a value of which one character changed does not come back', () => {
  const kept = encodeChecked([20777, 120])
  for (let at = 0; at < kept.length; at += 1) {
    const changed = `${kept.slice(0, at)}${kept[at] === '0' ? '1' : '0'}${kept.slice(at + 1)}`
    expect([at, decodeChecked(changed, isAny)]).toEqual([at, undefined])
  }
  expect(decodeChecked('', isAny)).toBeUndefined()
  expect(decodeChecked(kept.slice(0, -1), isAny)).toBeUndefined()
})

it('a value of another shape does not come back', () => {
  expect(
    decodeChecked(encodeChecked('many'), (value): value is number => typeof value === 'number'),
  ).toBeUndefined()
})
