import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextNumbers } from '../../../packages/px-emulator/src/columnar/text-numbers.ts'

test('each text has one number, in the order of first coming, and is read back', () => {
  const text = fc.oneof(
    fc.constantFrom('', 'a', '\uFEFF', 'ab', 'ba', '☃', '0', 'aaaaaaab', 'baaaaaaa'),
    fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed()),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), (texts) => {
      const numbers = new TextNumbers()
      const given = texts.map((each) => numbers.numberOf(each))
      const order = [...new Set(texts)]
      expect(given).toEqual(texts.map((each) => order.indexOf(each)))
      expect(order.map((_, number) => numbers.textOf(number))).toEqual(order)
      expect(numbers.length).toBe(order.length)
    }),
  )
})

test('a hundred thousand different texts stay apart', () => {
  const numbers = new TextNumbers()
  for (let at = 0; at < 100_000; at += 1) expect(numbers.numberOf(`/v1/users/${at}`)).toBe(at)
  for (const at of [0, 511, 512, 99_999]) {
    expect([numbers.numberOf(`/v1/users/${at}`), numbers.textOf(at)]).toEqual([at, `/v1/users/${at}`])
  }
})
