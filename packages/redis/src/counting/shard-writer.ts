import type { Clock } from '@px-usage/core'
import type { Connection } from '../connection.ts'
import { keepSeconds, type ShardKeys } from '../key-names.ts'
import { applyFrame } from '../scripts/count-scripts.ts'
import type { Frame } from './frames.ts'

/**
 * How long frames are kept after Redis has added them, 300000 ms (5 minutes): a failover may lose what the primary had
 * acknowledged, and then they are sent again.
 */
export const retainMs = 300_000
/** The most increments that are kept for that. */
export const mostRetained = 500_000
/** The last days that may still be open. Counts of earlier ones are in events, so Redis cannot lose them. */
const openDays = 2
/** A producer that sent nothing for 604800000 ms (7 days) gets a new id, before Redis forgets its sequence. */
const renewProducerMs = 604_800_000

/** What Redis lost and this process no longer has. */
export interface Loss {
  readonly frames: number
  readonly calls: number
}

interface Added {
  readonly frame: Frame
  readonly sequence: number
  readonly atElapsedMs: number
}

/** Sends the frames of one shard in their order, each of them added once. */
export class ShardWriter {
  readonly #connection: Connection
  readonly #keys: ShardKeys
  readonly #clock: Clock
  readonly #baseId: string
  readonly #onLoss: (loss: Loss) => void
  readonly #waiting: Frame[] = []
  #added: Added[] = []
  #retained = 0
  #generation = 0
  #sequence = 0
  #addedAtMs: number
  /** What is in frames that are no longer retained, by day. */
  #forgotten = new Map<string, Loss>()
  #sending: Promise<void> | undefined

  constructor({
    connection,
    keys,
    clock,
    id,
    onLoss,
  }: {
    connection: Connection
    keys: ShardKeys
    clock: Clock
    id: string
    /** Called when Redis lost counts that cannot be sent again. */
    onLoss(loss: Loss): void
  }) {
    this.#connection = connection
    this.#keys = keys
    this.#clock = clock
    this.#baseId = id
    this.#onLoss = onLoss
    this.#addedAtMs = clock.elapsed()
  }

  /** Appends a frame to those that wait. */
  take(frame: Frame): void {
    this.#waiting.push(frame)
  }

  /** Sends all frames that wait. @throws {UsageError} if Redis fails; they still wait then */
  async send(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#alone(() => this.#sendAll())
    }
  }

  /**
   * Sends what Redis has lost again. Only the next frame would show the loss, and a process that counts nothing more sends none.
   *
   * @throws {UsageError} if Redis fails
   */
  async check(): Promise<void> {
    await this.send()
    if (this.#sequence === 0) return
    await this.#alone(() => this.#checkLast())
    await this.send()
  }

  /** Runs a task, or joins the one in progress: sequences are assigned by one task at a time. */
  #alone(task: () => Promise<void>): Promise<void> {
    this.#sending ??= task().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #checkLast(): Promise<void> {
    const key = this.#producer()
    const last = Number((await this.#connection.read(['GET', key], key)) ?? 0)
    // While Redis does not confirm them, frames are kept however old they are: an outage may last longer than that.
    if (last >= this.#sequence) this.#forgetOld()
    else await this.#repair(last)
  }

  #producer(): string {
    return this.#keys.producer(`${this.#baseId}.${this.#generation}`)
  }

  async #sendAll(): Promise<void> {
    if (this.#clock.elapsed() - this.#addedAtMs > renewProducerMs) this.#renew()
    for (let frame = this.#waiting[0]; frame !== undefined; frame = this.#waiting[0]) {
      const { result, last } = await this.#apply(frame, this.#sequence + 1)
      if (result === 'GAP') await this.#repair(last)
      else this.#settle(frame)
    }
  }

  async #apply(frame: Frame, sequence: number): Promise<{ result: string; last: number }> {
    const keys = this.#keys
    const [result, last] = (await this.#connection.run(
      applyFrame,
      [this.#producer(), keys.open(frame.day), keys.days, keys.generations, keys.instruments],
      [sequence, keepSeconds, ...frame.args],
    )) as [string, number]
    return { result, last }
  }

  #settle(frame: Frame): void {
    this.#waiting.shift()
    this.#sequence += 1
    frame.isAdded = true
    this.#retain(frame)
  }

  #retain(frame: Frame): void {
    const nowMs = this.#clock.elapsed()
    this.#addedAtMs = nowMs
    this.#added.push({ frame, sequence: this.#sequence, atElapsedMs: nowMs })
    this.#retained += frame.increments
    this.#forgetOld()
  }

  /** Drops frames that Redis has had for long, whose days may be closed, and the oldest ones if there are too many. */
  #forgetOld(): void {
    const nowMs = this.#clock.elapsed()
    let drop = 0
    for (const { frame, atElapsedMs } of this.#added) {
      if (this.#retained <= mostRetained && nowMs - atElapsedMs <= retainMs) break
      this.#retained -= frame.increments
      this.#forget(frame)
      drop += 1
    }
    if (drop > 0) this.#added = this.#added.slice(drop)
  }

  #forget({ day, calls }: Frame): void {
    const before = this.#forgotten.get(day) ?? { frames: 0, calls: 0 }
    this.#forgotten.set(day, { frames: before.frames + 1, calls: before.calls + calls })
    if (this.#forgotten.size > openDays)
      this.#forgotten.delete([...this.#forgotten.keys()].sort()[0] as string)
  }

  /**
   * Sends what Redis has lost again, because it went back to an earlier state. What is no longer retained is reported.
   *
   * @param last the last sequence that Redis still has
   */
  async #repair(last: number): Promise<void> {
    const lost = this.#added.filter(({ sequence }) => sequence > last)
    const first = lost[0]?.sequence ?? this.#sequence + 1
    if (last + 1 < first) {
      // Calls of the lost frames are known only together with those of earlier ones that Redis may still have.
      const lastDays = [...this.#forgotten.values()]
      const sum = (of: keyof Loss) => lastDays.reduce((all, one) => all + one[of], 0)
      this.#onLoss({ frames: Math.min(first - last - 1, sum('frames')), calls: sum('calls') })
      this.#renew()
      this.#waiting.unshift(...lost.map(({ frame }) => frame))
      return
    }
    for (const { frame, sequence } of lost) {
      const { result } = await this.#apply(frame, sequence)
      // Redis went back once more. The next frame shows how far.
      if (result === 'GAP') return
    }
  }

  /** Continues as a new producer, whose first sequence is 1. */
  #renew(): void {
    this.#generation += 1
    this.#sequence = 0
    this.#added = []
    this.#retained = 0
    this.#forgotten.clear()
  }
}
