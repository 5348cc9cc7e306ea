import fc from 'fast-check'
import { expect, it } from 'vitest'
import { apiCalls, mergeValues } from '../../../packages/core/src/counting/instruments.ts'
import { SeriesSums } from '../../../packages/core/src/journal/series-sums.ts'

const seats = { name: 'seats', kind: 'last', measures: ['seats'] } as const

it('sums of thousands of series are what merging them one by one gives', () => {
  const gain = fc.tuple(fc.nat(5_000), fc.tuple(fc.nat(100), fc.nat(100)))
  fc.assert(
    fc.property(fc.array(gain, { maxLength: 300 }), (gains) => {
      const sums = new SeriesSums()
      for (let number = 0; number < 5_000; number += 1) sums.add(number % 3 === 0 ? seats : apiCalls)
      const model = new Map<number, readonly number[]>()
      for (const [number, values] of gains) {
        sums.gain(number, values)
        if (number >= 5_000) continue
        const instrument = number % 3 === 0 ? seats : apiCalls
        const has = model.get(number) ?? (instrument === seats ? undefined : [0, 0, 0, 0])
        model.set(number, has === undefined ? values : mergeValues(instrument, has, values))
      }
      expect(sums.size).toBe(5_000)
      for (let number = 0; number <= 5_000; number += 1) expect(sums.of(number)).toEqual(model.get(number))
    }),
    { numRuns: 20 },
  )
})
