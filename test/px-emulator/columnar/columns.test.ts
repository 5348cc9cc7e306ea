import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Dictionary,
  NumberColumn,
  TextColumn,
  UuidColumn,
} from '../../../packages/px-emulator/src/columnar/columns.ts'
import { TextNumbers } from '../../../packages/px-emulator/src/columnar/text-numbers.ts'

test('a column of numbers holds each exactly, whatever came before it', () => {
  const any = fc.oneof(
    fc.integer(),
    fc.nat(255),
    fc.double(),
    fc.constantFrom(-0, 0, 2 ** 31, -(2 ** 31), 1e308),
  )
  fc.assert(
    fc.property(fc.array(any, { maxLength: 60 }), (values) => {
      const column = new NumberColumn()
      for (const each of values) column.push(each)
      expect(values.map((_, row) => column.at(row))).toEqual(values)
    }),
  )
})

test('texts stay the same when there are too many different ones for a dictionary', () => {
  const column = new TextColumn()
  const texts = Array.from({ length: 12_000 }, (_, at) =>
    at % 4 === 0 ? 'the same' : `${at} ☃ ${'x'.repeat(at % 7)}`,
  )
  for (const each of texts) column.push(each)
  expect(column.dictionary).toBeUndefined()
  expect(texts.map((_, row) => column.at(row))).toEqual(texts)
})

describe('a column of texts', () => {
  test('numbers its texts in a dictionary, each once', () => {
    const column = new TextColumn()
    for (const text of ['a', 'b', 'a', '']) column.push(text)
    expect(column.dictionary?.texts).toEqual(['a', 'b', ''])
    expect([0, 1, 2, 3].map((row) => column.code(row))).toEqual([0, 1, 0, 2])
    expect(column.length).toBe(4)
  })

  test('with a dictionary of several columns keeps it, however many texts differ', () => {
    const shared = new Dictionary()
    const [one, other] = [new TextColumn(shared), new TextColumn(shared)]
    for (let at = 0; at < 10_000; at += 1) one.push(`user ${at}`)
    other.push('user 9999')
    expect(one.dictionary).toBe(shared)
    expect([other.code(0), one.at(9_999)]).toEqual([9_999, 'user 9999'])
  })

  test('keeps its dictionary while most texts repeat', () => {
    const column = new TextColumn()
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 4_096; at += 1) column.push(`text ${at}`)
    }
    for (let at = 0; at < 100; at += 1) column.push(`new ${at}`)
    expect(column.dictionary?.texts).toHaveLength(4_196)
    expect(column.at(12_288)).toBe('new 0')
  })

  test('numbers plain bytes as texts are numbered', () => {
    const column = new TextColumn()
    for (let at = 0; at < 5_000; at += 1) column.push(`☃ ${at}`)
    const numbers = new TextNumbers()
    expect(numbers.numberOf('☃ 7')).toBe(0)
    expect([column.numberAmong(numbers, 7), column.numberAmong(numbers, 8)]).toEqual([0, 1])
    expect(numbers.textOf(1)).toBe('☃ 8')
  })
})

test('a column of UUIDs returns each as it came, beyond its first rows too', () => {
  fc.assert(
    fc.property(fc.array(fc.uuid(), { maxLength: 40 }), (uuids) => {
      const column = new UuidColumn()
      for (const uuid of uuids) column.push(uuid)
      expect(column.length).toBe(uuids.length)
      expect(uuids.map((_, row) => column.at(row))).toEqual(uuids)
    }),
  )
})
