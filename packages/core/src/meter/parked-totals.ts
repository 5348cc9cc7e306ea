import type { Instrument, Properties, SeriesTotal } from '../model/series.ts'

/** Where a text is in a scratch file. */
export interface ScratchPlace {
  readonly offset: number
  readonly length: number
}

/** A file that holds texts while they do not fit into memory. */
export interface Scratch {
  write(text: string): ScratchPlace
  read(place: ScratchPlace): string
}

/** What many series share: instrument, properties, and method and route of the endpoint. */
type Dimensions = readonly [Instrument, Properties, method?: string, route?: string]
type Row = readonly [dimensions: number, userId: string, accountId: string | null, ...values: number[]]

/** Encodes totals as a text. The order stays. */
export function encodeTotals(totals: readonly SeriesTotal[]): string {
  const dimensions: Dimensions[] = []
  const numbers = new Map<string, number>()
  const rows = totals.map(({ series: { instrument, identity, properties, endpoint }, values }): Row => {
    const { method, route } = endpoint ?? {}
    const one = (
      endpoint === undefined ? [instrument, properties] : [instrument, properties, method, route]
    ) as Dimensions
    const key = JSON.stringify(one)
    const number = numbers.get(key) ?? dimensions.push(one) - 1
    numbers.set(key, number)
    return [number, identity.userId, identity.accountId ?? null, ...values]
  })
  return JSON.stringify({ dimensions, rows })
}

/** Decodes what `encodeTotals` returned. */
export function decodeTotals(text: string): SeriesTotal[] {
  const { dimensions, rows } = JSON.parse(text) as { dimensions: Dimensions[]; rows: Row[] }
  const shared = dimensions.map(([instrument, properties, method, route]) => ({
    instrument,
    properties,
    ...(method === undefined || route === undefined ? {} : { endpoint: { method, route } }),
  }))
  return rows.map(([number, userId, accountId, ...values]) => ({
    series: {
      ...(shared[number] as (typeof shared)[number]),
      identity: accountId === null ? { userId } : { userId, accountId },
    },
    values,
  }))
}
