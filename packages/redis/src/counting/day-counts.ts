import type { Instrument, SeriesTotal, UsageDay } from '@px-usage/core'
import { type Fleet, scanHash } from '../fleet.ts'
import { dropSealed, listDays, sealShard } from '../scripts/count-scripts.ts'
import { decodeField, decodeInstrument, digestIn } from './series-fields.ts'

/** Number of generations of a day by shard. */
export type Generations = readonly number[]

/** The counts of the days in all shards. */
export class DayCounts {
  readonly #fleet: Pick<Fleet, 'connection' | 'keys' | 'shards'>
  readonly #instruments = new Map<string, Instrument>()

  constructor(fleet: Pick<Fleet, 'connection' | 'keys' | 'shards'>) {
    this.#fleet = fleet
  }

  /** Returns the days that have, or had, counts, with their generations. @throws {UsageError} if Redis fails */
  async days(): Promise<Map<UsageDay, number[]>> {
    const { connection, keys, shards } = this.#fleet
    const found = new Map<UsageDay, number[]>()
    for (let shard = 0; shard < shards; shard++) {
      const { days, generations } = keys.shard(shard)
      for (const [day, generation] of (await connection.run(listDays, [days, generations], [])) as [
        string,
        number,
      ][]) {
        const ofDay = found.get(day) ?? new Array<number>(shards).fill(0)
        ofDay[shard] = generation
        found.set(day, ofDay)
      }
    }
    return found
  }

  /**
   * Returns which of these days have counts that are in no generation yet. Read the generations afterwards: counts go into a generation, and
   * from there into a closed day. A reader that takes these steps in another order misses counts that take one meanwhile, and a day with
   * calls looks like one without.
   */
  async withOpen(days: Iterable<UsageDay>): Promise<Set<UsageDay>> {
    const open = new Set<UsageDay>()
    for (const day of days) if (await this.#hasOpen(day)) open.add(day)
    return open
  }

  async #hasOpen(day: UsageDay): Promise<boolean> {
    const { connection, keys, shards } = this.#fleet
    for (let shard = 0; shard < shards; shard++) {
      const key = keys.shard(shard).open(day)
      if (Number(await connection.read(['EXISTS', key], key)) > 0) return true
    }
    return false
  }

  /** Sets the counts of a day aside, in each shard as its next generation. @returns the generations now */
  async seal(day: UsageDay, before: Generations): Promise<number[]> {
    const { connection, keys, shards } = this.#fleet
    const sealed: number[] = []
    for (let shard = 0; shard < shards; shard++) {
      const { open, generations, sealed: nameOf } = keys.shard(shard)
      const generation = before[shard] ?? 0
      const names = [open(day), generations, nameOf(day, generation + 1)]
      sealed.push(Number(await connection.run(sealShard, names, [day, generation])))
    }
    return sealed
  }

  /** Yields the counts of sealed generations, and of the open one if it is asked for. */
  async *totals(
    day: UsageDay,
    { after, until, withOpen }: { after: Generations; until: Generations; withOpen: boolean },
  ): AsyncGenerator<SeriesTotal> {
    const { keys, shards } = this.#fleet
    for (let shard = 0; shard < shards; shard++) {
      const names = keys.shard(shard)
      for (let at = (after[shard] ?? 0) + 1; at <= (until[shard] ?? 0); at++) {
        yield* this.#read(shard, names.sealed(day, at))
      }
      if (withOpen) yield* this.#read(shard, names.open(day))
    }
  }

  async *#read(shard: number, key: string): AsyncGenerator<SeriesTotal> {
    for await (const slice of scanHash(this.#fleet.connection, key)) {
      for (const [field, value] of slice) {
        yield decodeField(field, value, await this.#instrument(shard, digestIn(field)))
      }
    }
  }

  async #instrument(shard: number, digest: string): Promise<Instrument> {
    const known = this.#instruments.get(digest)
    if (known !== undefined) return known
    const key = this.#fleet.keys.shard(shard).instruments
    const text = await this.#fleet.connection.read(['HGET', key, digest], key)
    const instrument = decodeInstrument(String(text))
    this.#instruments.set(digest, instrument)
    return instrument
  }

  /** Removes generations that a closed day contains. */
  async drop(
    day: UsageDay,
    { after, until, oldest }: { after: Generations; until: Generations; oldest: UsageDay },
  ): Promise<void> {
    const { connection, keys, shards } = this.#fleet
    for (let shard = 0; shard < shards; shard++) {
      const { open, days, generations, sealed } = keys.shard(shard)
      const last = until[shard] ?? 0
      const names: string[] = []
      for (let at = (after[shard] ?? 0) + 1; at <= last; at++) names.push(sealed(day, at))
      await connection.run(dropSealed, [open(day), days, generations, ...names], [day, last, oldest])
    }
  }
}
