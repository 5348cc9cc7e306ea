import type { UsageDay } from '@px-usage/core'
import { createUsageDays } from '@px-usage/core/adapter'
import { type Fleet, readHash } from '../fleet.ts'
import { keepSentSeconds } from '../key-names.ts'
import { beginRecord, dropSent, packSent } from '../scripts/settle-scripts.ts'
import { daysOfIndex } from './read-sent-lines.ts'
import { encodeBlocks, linesPerBlock } from './sent-blocks.ts'

const dayMs = 86_400_000
/** Days that delivered lines are kept, today included. */
const keptDays = (keepSentSeconds * 1_000) / dayMs

/**
 * Keeps what was delivered, for operators. The script that settles lines adds them, in one step. This process compresses them, and
 * removes the oldest.
 */
export class SentRecord {
  readonly #fleet: Fleet
  readonly #keepBytes: number
  readonly #dayOf: (epochMs: number) => UsageDay
  #packedOn: UsageDay | undefined
  #packing: Promise<void> | undefined

  /** @param keepBytes the most bytes of compressed lines; 0: nothing is kept */
  constructor(fleet: Fleet, keepBytes: number) {
    this.#fleet = fleet
    this.#keepBytes = keepBytes
    this.#dayOf = createUsageDays(fleet.context.timeZone).of
  }

  get #today(): UsageDay {
    return this.#dayOf(this.#fleet.context.clock.now())
  }

  /** The keys of a settlement, beside those of the outbox. */
  get keys(): [string, string] {
    const { sent, sentIndex } = this.#fleet.keys
    return [sent, sentIndex]
  }

  /** The arguments of a settlement. */
  get args(): (string | number)[] {
    return [this.#keepBytes > 0 ? 1 : 0, this.#today, keepSentSeconds]
  }

  /**
   * Begins to record. Lines that were delivered before, without being recorded, are noted as missing.
   *
   * @param isLost whether Redis was emptied, so that the record of today may have begun again in the middle
   */
  async begin({ isLost = false } = {}): Promise<void> {
    if (this.#keepBytes === 0) return
    const { connection, keys, me, now } = this.#fleet
    const args = [now(), me, this.#today, isLost ? 1 : 0, keepSentSeconds]
    await connection.run(beginRecord, [...keys.outbox, ...this.keys], args)
  }

  /**
   * Compresses delivered lines if there are many, or if a day has begun since the last time, and removes what is too old or too much.
   * Never throws: PX has the lines, and the next settlement tries again.
   *
   * @param lines number of lines that are not compressed
   */
  async pack(lines: number): Promise<void> {
    if (lines < linesPerBlock && this.#packedOn === this.#today) return
    this.#packing ??= this.#pack().finally(() => {
      this.#packing = undefined
    })
    await this.#packing.catch(() => {})
  }

  async #pack(): Promise<void> {
    const today = this.#today
    while (await this.#packLines(this.#packedOn === today ? linesPerBlock : 1));
    await this.#removeOld(today)
    this.#packedOn = today
  }

  /** @returns whether there may be more to do */
  async #packLines(least: number): Promise<boolean> {
    const { connection, keys } = this.#fleet
    const packed = (await connection.read(['HGET', keys.sentIndex, 'packed'], keys.sentIndex)) ?? '0'
    const range = ['LRANGE', keys.sent, '0', String(linesPerBlock - 1)]
    const items = (await connection.read(range, keys.sent)) as string[]
    if (items.length < least) return false
    const blocks = await encodeBlocks(items)
    const result = await connection.run(
      packSent,
      [...this.keys, ...blocks.map(({ day }) => keys.sentDay(day))],
      [
        ...[String(packed), items.length, items.at(-1) as string, keepSentSeconds],
        ...blocks.flatMap(({ day, block }) => [day, block]),
      ],
    )
    return result !== 'OTHER' && items.length === linesPerBlock
  }

  async #removeOld(today: UsageDay): Promise<void> {
    const { connection, keys } = this.#fleet
    const index = await readHash(connection, keys.sentIndex)
    const oldest = new Date(Date.parse(today) - (keptDays - 1) * dayMs).toISOString().slice(0, 10)
    let bytes = Number(index.get('bytes') ?? 0)
    for (const day of daysOfIndex(index)) {
      if (bytes <= this.#keepBytes && day >= oldest) return
      await connection.run(dropSent, [keys.sentIndex, keys.sentDay(day)], [day])
      bytes -= Number(index.get(day))
    }
  }
}
