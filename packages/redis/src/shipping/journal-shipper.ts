import type { UsageDay } from '@px-usage/core'
import type { MakeShipment, Shipment, ShippedJournal } from '@px-usage/core/adapter'
import type { SeriesEncoder } from '../counting/series-fields.ts'
import { type Loss, retainMs } from '../counting/shard-writer.ts'
import type { Fleet } from '../fleet.ts'
import { keepSeconds } from '../key-names.ts'
import type { Membership } from '../membership.ts'
import { applyFrame } from '../scripts/count-scripts.ts'
import {
  decodeLine,
  firstProducer,
  type Gap,
  isFrame,
  linesOf,
  type NumberedFrame,
  newProducer,
  type Positions,
  withNewProducer,
} from './shipment-lines.ts'

/** The most bytes of shipments that are kept after Redis has added them, 64 MiB. */
const mostKeptBytes = 64 * 1024 * 1024

/** What a process has once it has joined the fleet. */
export interface Joined {
  readonly fleet: Fleet
  readonly members: Pick<Membership, 'countsOn' | 'isSilent' | 'note'>
  readonly encoder: SeriesEncoder
  /** Called when Redis lost counts that are no longer in a journal. */
  onLoss(loss: Loss): void
}

export interface JournalShipperSettings extends Omit<Joined, 'members'> {
  journal: ShippedJournal
  /** Whether this process writes the journal; otherwise its process is dead. */
  isOwn: boolean
  freeze(makeLines: MakeShipment): Promise<Shipment | undefined>
  /** Declares that the journal has counts of a day, before Redis has them. */
  declare(day: UsageDay): Promise<void>
}

/** What is known of a shipment that Redis has. */
interface Added {
  readonly keptUntilMs: number
  readonly calls: number
}

/**
 * Sends the counts of one journal to Redis. A shipment is sent until Redis has added it, and kept for a while after that, because a
 * failover may lose what the primary had acknowledged.
 */
export class JournalShipper {
  readonly #settings: JournalShipperSettings
  readonly #added = new Map<number, Added>()
  readonly #days = new Set<UsageDay>()
  #positions: Positions | undefined
  /** Calls in shipments that are no longer kept. */
  #forgottenCalls = 0

  constructor(settings: JournalShipperSettings) {
    this.#settings = settings
    if (settings.isOwn) this.#positions = new Map()
  }

  /** Returns the days of the counts that were sent since the last call. */
  takeDays(): UsageDay[] {
    const days = [...this.#days]
    this.#days.clear()
    return days
  }

  /** Sends all that was counted so far. @throws {UsageError} if Redis fails @throws what the disk throws */
  async ship(): Promise<void> {
    const { journal, encoder, freeze } = this.#settings
    await this.#sendAll()
    const positions = await this.#lastPositions()
    let after: Positions = positions
    const makeLines = linesOf(encoder, {
      positions,
      producer: firstProducer(journal.journalId),
      onEnd(given) {
        after = given
      },
    })
    if ((await freeze(makeLines)) === undefined) return
    this.#positions = after
    await this.#sendAll()
  }

  /** Sends what waits, and what Redis has lost. Only the next frame would show that, and a process that counts nothing sends none. */
  async check(): Promise<void> {
    await this.#sendAll()
    if ((await this.#missing()).length > 0) {
      this.#added.clear()
      await this.#sendAll()
    }
    for (const gap of await this.#missing()) await this.#renew(gap)
    await this.#forgetOld()
  }

  /** Returns whether nothing is left of the journal. */
  async isOver(): Promise<boolean> {
    const { journal } = this.#settings
    return (await journal.list()).length === 0 && !(await journal.hasCounts())
  }

  /** Removes what Redis has: this process ends. */
  async forgetAdded(): Promise<void> {
    const { journal } = this.#settings
    for (const shipment of await journal.list()) {
      if (this.#added.has(shipment.number)) await journal.remove(shipment)
    }
  }

  async #lastPositions(): Promise<Positions> {
    this.#positions ??= await this.#readPositions()
    return this.#positions
  }

  /** Reads what follows the last shipment of a dead process. Where that is damaged, no earlier producer continues. */
  async #readPositions(): Promise<Positions> {
    const { journal } = this.#settings
    const last = (await journal.list()).at(-1)
    let found: Positions | undefined
    if (last === undefined) found = new Map()
    else {
      for await (const line of journal.lines(last)) {
        const decoded = decodeLine(line)
        if (!isFrame(decoded)) found = decoded
      }
    }
    const { shards } = this.#settings.fleet
    const producer = newProducer(journal.journalId)
    return found ?? new Map(Array.from({ length: shards }, (_, shard) => [shard, { producer, sequence: 0 }]))
  }

  async #sendAll(): Promise<void> {
    for (let isReplay = false; ; isReplay = true) {
      if (isReplay) this.#added.clear()
      const gap = await this.#send()
      if (gap === undefined) return
      // Earlier shipments that are kept may have what Redis misses. If they do not, it is lost.
      if (isReplay) await this.#renew(gap)
    }
  }

  async #send(): Promise<Gap | undefined> {
    const { fleet, journal } = this.#settings
    const { clock } = fleet.context
    for (const shipment of await journal.list()) {
      if (this.#added.has(shipment.number)) continue
      let calls = 0
      let isNew = false
      for await (const line of journal.lines(shipment)) {
        const frame = decodeLine(line)
        if (!isFrame(frame)) continue
        const { result, last } = await this.#apply(frame)
        if (result === 'GAP') return { ...frame, sequence: last }
        isNew ||= result === 'OK'
        calls += frame.calls
      }
      // A shipment that an earlier process had sent is not kept for long again, or a crash loop would keep all of them.
      const ageMs = isNew ? 0 : Math.max(0, clock.now() - shipment.writtenAtMs)
      this.#added.set(shipment.number, { calls, keptUntilMs: clock.elapsed() + retainMs - ageMs })
    }
    return undefined
  }

  async #apply(frame: NumberedFrame): Promise<{ result: string; last: number }> {
    const { fleet, declare } = this.#settings
    const { producer, shard, sequence, day, args } = frame
    if (!this.#days.has(day)) {
      await declare(day)
      this.#days.add(day)
    }
    const keys = this.#keysOf(shard)
    const [result, last] = (await fleet.connection.run(
      applyFrame,
      [keys.producer(`${producer}.${shard}`), keys.open(day), keys.days, keys.generations, keys.instruments],
      [sequence, keepSeconds, ...args],
    )) as [string, number]
    return { result, last }
  }

  /** A journal may be older than the number of shards. Its counts are right in any shard, as the close adds all of them up. */
  #keysOf(shard: number) {
    const { keys, shards } = this.#settings.fleet
    return keys.shard(shard % shards)
  }

  /** Returns the producers of which Redis has less than it had acknowledged. */
  async #missing(): Promise<Gap[]> {
    const { connection } = this.#settings.fleet
    const missing: Gap[] = []
    for (const [shard, { producer, sequence }] of this.#positions ?? []) {
      const key = this.#keysOf(shard).producer(`${producer}.${shard}`)
      const last = Number((await connection.read(['GET', key], key)) ?? 0)
      if (last < sequence) missing.push({ producer, shard, sequence: last })
    }
    return missing
  }

  /** Continues as a new producer where Redis lost counts that are no longer kept, and reports them. */
  async #renew(gap: Gap): Promise<void> {
    const { journal, onLoss } = this.#settings
    const positions = await this.#lastPositions()
    const producer = newProducer(journal.journalId)
    const current = positions.get(gap.shard)
    const isCurrent = current?.producer === gap.producer
    let after: Positions = isCurrent
      ? new Map(positions).set(gap.shard, { producer, sequence: 0 })
      : positions
    let first = (isCurrent ? current.sequence : gap.sequence) + 1
    await journal.rewrite(
      withNewProducer(gap, {
        ...{ producer, positions },
        onEnd(given, firstSequence) {
          after = given
          first = firstSequence ?? first
        },
      }),
    )
    this.#positions = after
    this.#added.clear()
    const frames = first - gap.sequence - 1
    // Calls of the lost frames are known only together with those of earlier ones that Redis may still have.
    if (frames > 0) onLoss({ frames, calls: this.#forgottenCalls })
  }

  /** Removes shipments that Redis has had for long, and the oldest ones if there are too many. */
  async #forgetOld(): Promise<void> {
    const { fleet, isOwn, journal } = this.#settings
    const nowMs = fleet.context.clock.elapsed()
    const shipments = await journal.list()
    const hasMore = isOwn || (await journal.hasCounts())
    let bytes = shipments.reduce((sum, shipment) => sum + shipment.bytes, 0)
    for (const [at, shipment] of shipments.entries()) {
      const added = this.#added.get(shipment.number)
      if (added === undefined || (nowMs < added.keptUntilMs && bytes <= mostKeptBytes)) return
      // The last one has the positions from which a later process continues.
      if (hasMore && at === shipments.length - 1) return
      await journal.remove(shipment)
      bytes -= shipment.bytes
      this.#forgottenCalls += added.calls
      this.#added.delete(shipment.number)
    }
  }
}
