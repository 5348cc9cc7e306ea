import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apiCalls } from '../../../packages/core/src/counting/instruments.ts'
import type { Instrument, Series } from '../../../packages/core/src/model/series.ts'
import {
  createSeriesEncoder,
  decodeField,
  decodeInstrument,
  digestIn,
  encodeInstrument,
  gainsOf,
} from '../../../packages/redis/src/counting/series-fields.ts'

const seats: Instrument = { name: 'seats', kind: 'last', measures: ['seats', 'readAtMs'] }

function encode(series: Series, shards = 1) {
  const batch = { day: '', sequence: 1, size: 1, table: {}, forEach() {}, describe: () => series }
  return createSeriesEncoder(shards).of(batch, 0)
}

const text = fc.string({ unit: 'binary' })
const seriesArbitrary = fc.record(
  {
    instrument: fc.constant(apiCalls),
    identity: fc.record({ userId: text, accountId: text }, { requiredKeys: ['userId'] }),
    properties: fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      fc.oneof(
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
        fc.boolean(),
      ),
    ),
    endpoint: fc.record({ method: text, route: text }),
  },
  { requiredKeys: ['instrument', 'identity', 'properties'] },
)

describe('a series in fields of Redis', () => {
  it('comes back as it was, whatever its texts are', () => {
    fc.assert(
      fc.property(seriesArbitrary, (series) => {
        const encoded = encode(series)
        const gains = [...gainsOf(encoded, [3, 0, 1, 0])]
        expect(gains.map(([kind, , value]) => [kind, value])).toEqual([
          ['i', '3'],
          ['i', '1'],
        ])
        const totals = gains.map(([, field, value]) => decodeField(field, value, apiCalls))
        expect(totals.map(({ values }) => values)).toEqual([
          [3, 0, 0, 0],
          [0, 0, 1, 0],
        ])
        for (const total of totals)
          expect(JSON.stringify(total.series.identity)).toBe(JSON.stringify(series.identity))
        expect(totals[0]?.series.endpoint).toEqual(series.endpoint)
        expect({ ...totals[0]?.series.properties }).toEqual({ ...series.properties })
        expect(digestIn(gains[0]?.[1] as string)).toBe(encoded.digest)
      }),
    )
  })

  it('has one field for the same properties in any order', () => {
    const of = (properties: Series['properties']) =>
      encode({ instrument: apiCalls, identity: { userId: 'ada' }, properties }).name
    expect(of({ a: 1, b: 2 })).toBe(of({ b: 2, a: 1 }))
    expect(of({ a: 1 })).not.toBe(of({ a: '1' }))
  })

  it('keeps the value of a gauge together with the time of its reading', () => {
    const encoded = encode({ instrument: seats, identity: { userId: 'ada' }, properties: {} })
    const [[kind, field, value, at] = []] = [...gainsOf(encoded, [7.5, 1_000])]
    expect([kind, value, at]).toEqual(['l', '7.5', '1000'])
    expect(decodeField(field as string, '7.5 1000', seats).values).toEqual([7.5, 1_000])
  })

  it('exists also when a counter counted 0', () => {
    const encoded = encode({ instrument: apiCalls, identity: { userId: 'ada' }, properties: {} })
    expect([...gainsOf(encoded, [0])]).toEqual([['i', `0${encoded.name}`, '0']])
  })

  it('stops at the largest number that is exact', () => {
    const { name } = encode({ instrument: apiCalls, identity: { userId: 'ada' }, properties: {} })
    expect(decodeField(`0${name}`, '9007199254740993', apiCalls).values[0]).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('has its instrument beside it', () => {
    expect(decodeInstrument(encodeInstrument(apiCalls))).toEqual(apiCalls)
  })

  it('is always in the same shard', () => {
    const shardOf = (userId: string) =>
      encode({ instrument: apiCalls, identity: { userId, accountId: 'acme' }, properties: {} }, 8).shard
    const used = new Set(Array.from({ length: 200 }, (_, at) => shardOf(`user ${at}`)))
    expect(shardOf('ada')).toBe(shardOf('ada'))
    expect(used.size).toBe(8)
  })
})
