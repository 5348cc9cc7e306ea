import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSeriesRows, valuesPerRow } from '../../../packages/core/src/counting/series-rows.ts'

it('rows hold what a plain map holds, through all their growth', () => {
  const add = fc.tuple(fc.nat(3_000), fc.nat(20), fc.nat(valuesPerRow - 1), fc.nat(9))
  fc.assert(
    fc.property(fc.array(add, { maxLength: 4_000, size: 'max' }), (adds) => {
      const rows = createSeriesRows()
      const model = new Map<string, number[]>()
      for (const [identity, place, measure, gained] of adds) {
        const found = rows.find(identity, place)
        const id = found === -1 ? rows.make(identity, place) : found
        expect([rows.identityOf(id), rows.dimensionsOf(id), found === -1]).toEqual([
          identity,
          place,
          !model.has(`${identity} ${place}`),
        ])
        const values = model.get(`${identity} ${place}`) ?? [0, 0, 0, 0]
        values[measure]! += gained
        model.set(`${identity} ${place}`, values)
        expect(rows.add(id, measure, gained)).toBe(values[measure])
      }
      expect([rows.size, rows.changed]).toEqual([model.size, model.size])
      for (const [name, values] of model) {
        const [identity = 0, place = 0] = name.split(' ').map(Number)
        const id = rows.find(identity, place)
        expect(values.map((_, measure) => rows.valueOf(id, measure))).toEqual(values)
      }
    }),
    { numRuns: 20 },
  )
})

it('changed rows are taken once, in the order of their change, and begin again at zero', () => {
  const rows = createSeriesRows()
  for (let place = 0; place < 3; place += 1) rows.make(1, place)
  rows.add(2, 0, 5)
  rows.setValue(0, 3, 7)
  rows.add(2, 1, 1)
  expect([rows.hasChanged(0), rows.hasChanged(1), rows.changed]).toEqual([true, false, 2])
  expect([...rows.take(1)]).toEqual([2, 5, 1, 0, 0])
  expect([...rows.take(9)]).toEqual([0, 0, 0, 0, 7])
  expect([rows.changed, rows.valueOf(2, 0), rows.take(9).length]).toEqual([0, 0, 0])
  rows.add(2, 0, 1)
  expect([...rows.take(9)]).toEqual([2, 1, 0, 0, 0])
})

it('rows are found again before and after the table is split into parts', () => {
  const rows = createSeriesRows()
  for (let identity = 0; identity < 2_000; identity++) {
    for (let place = 0; place < 10; place++) {
      expect(rows.find(identity, place)).toBe(-1)
      expect(rows.make(identity, place)).toBe(identity * 10 + place)
    }
    expect([rows.find(0, 9), rows.find(identity, 0), rows.find(identity + 1, 0)]).toEqual([
      9,
      identity * 10,
      -1,
    ])
  }
  for (let id = 0; id < rows.size; id++) {
    expect([rows.identityOf(id), rows.dimensionsOf(id)]).toEqual([Math.floor(id / 10), id % 10])
    expect(rows.find(Math.floor(id / 10), id % 10)).toBe(id)
  }
})
