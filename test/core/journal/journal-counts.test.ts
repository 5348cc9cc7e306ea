import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CountsDecoder, CountsEncoder } from '../../../packages/core/src/journal/journal-counts.ts'
import type { CountBatch, Instrument, Series } from '../../../packages/core/src/model/series.ts'

const calls: Instrument = {
  name: 'apiCalls',
  kind: 'sum',
  measures: ['apiCalls', 'clientErrors', 'serverErrors', 'aborted'],
}
const seats: Instrument = { name: 'seats', kind: 'last', measures: ['seats'] }

const id = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '__proto__', '\ud800', 'a\u0000b', 'é', 'e\u0301'),
)
const series: fc.Arbitrary<Series> = fc.record({
  instrument: fc.constantFrom(calls, seats),
  identity: fc.oneof(fc.record({ userId: id }), fc.record({ userId: id, accountId: id })),
  properties: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== '__proto__'),
    fc.oneof(id, fc.boolean(), fc.integer()),
    { maxKeys: 2 },
  ),
  endpoint: fc.option(fc.record({ method: fc.constantFrom('GET', 'POST'), route: id }), { nil: undefined }),
})
const value = fc.oneof(
  fc.nat(300),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.double({ noNaN: true }),
)
/** Batches as [series by number, values]. */
const batches = fc.array(
  fc.array(fc.tuple(fc.nat(9), fc.array(value, { minLength: 1, maxLength: 4 })), { maxLength: 8 }),
  {
    maxLength: 6,
  },
)

function batchOf(
  entries: Array<[number, number[]]>,
  all: readonly Series[],
  table: object,
  sequence: number,
): CountBatch {
  return {
    day: '2026-11-23',
    sequence,
    size: entries.length,
    table,
    forEach: (visit) => entries.forEach(([id, gained]) => void visit(id, gained)),
    describe: (id) => all[id] as Series,
  }
}

/** Reads a payload in steps of so many entries. */
function whole(decoder: CountsDecoder, payload: Buffer, most = 100): void {
  decoder.begin(payload)
  while (decoder.step(most) > 0);
}

function encode(encoder: CountsEncoder, batch: CountBatch): void {
  batch.forEach((id, gained) => {
    encoder.gain(batch, id, gained)
  })
}

function withoutZeros(values: readonly number[]): number[] {
  return values.slice(0, values.findLastIndex((value) => value !== 0) + 1)
}

it('gives back what was encoded, also when frames in between could not be written', () => {
  fc.assert(
    fc.property(
      fc.array(series, { minLength: 10, maxLength: 10 }),
      batches,
      fc.array(fc.boolean()),
      fc.integer({ min: 1, max: 5 }),
      (all, given, failing, most) => {
        const encoder = new CountsEncoder()
        const table = {}
        const expected: Array<[Series, number[]]> = []
        const payloads: Buffer[] = []
        for (const [place, entries] of given.entries()) {
          const unique = [...new Map(entries)]
          const batch = batchOf(unique, all, table, place + 1)
          encoder.begin(place + 1)
          encode(encoder, batch)
          if (failing[place]) {
            encoder.undo()
            continue
          }
          payloads.push(Buffer.from(encoder.payload()))
          for (const [id, gained] of unique) expected.push([all[id] as Series, withoutZeros(gained)])
        }
        const known: Series[] = []
        const found: Array<[Series, number[]]> = []
        const decoder = new CountsDecoder({
          withSeries: true,
          onSeries: (_, series) => void known.push(series as Series),
          onGain: (number, values) => void found.push([known[number] as Series, [...values]]),
        })
        const numbersOnly: number[][] = []
        let count = 0
        const light = new CountsDecoder({
          withSeries: false,
          onSeries: () => void count++,
          onGain: (_, values) => void numbersOnly.push([...values]),
        })
        for (const payload of payloads) {
          whole(decoder, payload, most)
          whole(light, payload, most + 1)
        }
        expect(found).toEqual(expected)
        expect(numbersOnly).toEqual(expected.map(([, values]) => values))
        expect(count).toBe(known.length)
      },
    ),
    { numRuns: 500 },
  )
})

it('describes a series once, and takes four bytes for a call of a series it has met', () => {
  const encoder = new CountsEncoder()
  const all: Series[] = [
    { instrument: calls, identity: { userId: 'ada' }, properties: { apiType: 'RESTful' } },
  ]
  const sizes = [1, 2].map((sequence) => {
    const batch = batchOf([[0, [1, 0, 0, 0]]], all, all, sequence)
    encoder.begin(sequence)
    encode(encoder, batch)
    return encoder.payload().length
  })
  expect(sizes[0]).toBeGreaterThan(80)
  expect(sizes[1]).toBe(4)
})

it('numbers a bounded set of texts, so memory stays small, and writes out the others', () => {
  const encoder = new CountsEncoder()
  const count = 30_000
  const all: Series[] = Array.from({ length: count }, (_, user) => ({
    instrument: calls,
    identity: { userId: `user ${user}` },
    properties: {},
  }))
  const batch = batchOf(
    all.map((_, id) => [id, [id]]),
    all,
    all,
    1,
  )
  encoder.begin(1)
  encode(encoder, batch)
  const users: string[] = []
  const decoder = new CountsDecoder({
    withSeries: true,
    onSeries: (_, series) => void users.push((series as Series).identity.userId),
    onGain() {},
  })
  whole(decoder, encoder.payload())
  expect(users).toEqual(all.map(({ identity }) => identity.userId))
})
