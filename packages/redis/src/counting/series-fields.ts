import { createHash } from 'node:crypto'
import type { CountBatch, Instrument, PropertyValue, Series, SeriesTotal } from '@px-usage/core'

/** What one series gained: arguments of the script `applyFrame`. */
export type FieldGain =
  | readonly ['i', field: string, value: string]
  | readonly ['l', field: string, value: string, readAtMs: string]

/** A series as it is written in fields of Redis. */
export interface EncodedSeries {
  readonly instrument: Instrument
  readonly digest: string
  /** The field without the number of the measure before it. */
  readonly name: string
  /** Whose counts are kept together. */
  readonly shard: number
}

/** Encodes series. It remembers those of each table, for as long as the meter keeps the table. */
export interface SeriesEncoder {
  of(batch: CountBatch, id: number): EncodedSeries
  /** Encodes a series that belongs to no table. */
  encode(series: Series): EncodedSeries
}

/** Number of hexadecimal digits that name an instrument. */
const digestDigits = 16

type NameParts = [
  digest: string,
  userId: string,
  accountId: string | null,
  endpoint: readonly [method: string, route: string] | null,
  properties: ReadonlyArray<readonly [string, PropertyValue]>,
]

export function createSeriesEncoder(shards: number): SeriesEncoder {
  const tables = new WeakMap<object, EncodedSeries[]>()
  const digests = new WeakMap<Instrument, string>()

  function digestOf(instrument: Instrument): string {
    let digest = digests.get(instrument)
    if (digest === undefined) {
      digest = createHash('sha256').update(encodeInstrument(instrument)).digest('hex').slice(0, digestDigits)
      digests.set(instrument, digest)
    }
    return digest
  }

  function encode({ instrument, identity, endpoint, properties }: Series): EncodedSeries {
    const digest = digestOf(instrument)
    const parts: NameParts = [
      digest,
      identity.userId,
      identity.accountId ?? null,
      endpoint === undefined ? null : [endpoint.method, endpoint.route],
      Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]
    const shard = shards === 1 ? 0 : hashOf(`${identity.accountId ?? ''} ${identity.userId}`) % shards
    return { instrument, digest, name: JSON.stringify(parts), shard }
  }

  return {
    encode,
    of(batch, id) {
      let known = tables.get(batch.table)
      if (known === undefined) {
        known = []
        tables.set(batch.table, known)
      }
      known[id] ??= encode(batch.describe(id))
      return known[id] as EncodedSeries
    },
  }
}

export function encodeInstrument({ name, kind, measures }: Instrument): string {
  return JSON.stringify([name, kind, measures])
}

export function decodeInstrument(text: string): Instrument {
  const [name, kind, measures] = JSON.parse(text) as [string, Instrument['kind'], string[]]
  return { name, kind, measures }
}

/** Yields the arguments of what a series gained: one for each measure that changed, or the reading. */
export function* gainsOf(
  { instrument, name }: EncodedSeries,
  gained: ArrayLike<number>,
): Generator<FieldGain> {
  if (instrument.kind === 'last') {
    yield ['l', `0${name}`, String(gained[0] ?? 0), String(gained[1] ?? 0)]
    return
  }
  let isEmpty = true
  for (let measure = 0; measure < gained.length; measure++) {
    const value = gained[measure] as number
    if (value === 0) continue
    isEmpty = false
    yield ['i', `${measure}${name}`, String(value)]
  }
  // A counter may count 0. Its series must exist all the same.
  if (isEmpty) yield ['i', `0${name}`, '0']
}

/** Returns the digest of the instrument that a field names. */
export function digestIn(field: string): string {
  const start = field.indexOf('"') + 1
  return field.slice(start, start + digestDigits)
}

/** Decodes a field and its value: a part of the values of one series. */
export function decodeField(field: string, value: string, instrument: Instrument): SeriesTotal {
  const start = field.indexOf('[')
  const measure = Number(field.slice(0, start))
  const [, userId, accountId, endpoint, properties] = JSON.parse(field.slice(start)) as NameParts
  const series: Series = {
    instrument,
    identity: accountId === null ? { userId } : { userId, accountId },
    properties: Object.fromEntries(properties),
    ...(endpoint === null ? {} : { endpoint: { method: endpoint[0], route: endpoint[1] } }),
  }
  if (instrument.kind === 'last') return { series, values: value.split(' ').map(Number) }
  const values = instrument.measures.map(() => 0)
  values[measure] = Math.min(Number(value), Number.MAX_SAFE_INTEGER)
  return { series, values }
}

/** FNV-1a of 32 bits, the same in all processes of a fleet. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}
