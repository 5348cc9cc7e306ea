import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkedText, withChecksum } from '../../../packages/core/src/files/checked-text.ts'

it('a text comes back as it was kept', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(checkedText(withChecksum(text))).toBe(text)
    }),
  )
})

it('a text of which one character changed does not come back', () => {
  const kept = withChecksum('[20777,120]')
  for (let at = 0; at < kept.length; at += 1) {
    const changed = `${kept.slice(0, at)}${kept[at] === '0' ? '1' : '0'}${kept.slice(at + 1)}`
    expect([at, checkedText(changed)]).toEqual([at, undefined])
  }
  expect(checkedText('')).toBeUndefined()
  expect(checkedText(kept.slice(0, -1))).toBeUndefined()
})
