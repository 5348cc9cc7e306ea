import type { Clock } from '@px-usage/core'

/** The shortest and the longest time that counts stay in memory before they are sent to Redis: 1 and 30 seconds. */
const shortestMs = 1_000
const longestMs = 30_000
/** CPU time of Redis for one increment, 4 microseconds (test/bench/README.md) and a little more, for a load of 30 % of a core. */
const msPerIncrement = 0.0045 / 0.3
/** Batches of one flush follow each other. A pause of 500 ms separates two flushes. */
const pauseMs = 500

/**
 * Chooses how often a process of a fleet sends its counts. 300 processes that each send 2,000 changed series every second would need
 * more than one core of Redis. So the interval grows with the number of processes and with what this one sent last.
 */
export class FlushInterval {
  readonly #clock: Clock
  #members = 1
  #increments = 0
  #addedAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Notes how many processes of the fleet are alive. */
  setMembers(members: number): void {
    this.#members = members
  }

  /** Notes increments that this process sends. */
  add(increments: number): void {
    const nowMs = this.#clock.elapsed()
    if (nowMs - this.#addedAtMs > pauseMs) this.#increments = 0
    this.#addedAtMs = nowMs
    this.#increments += increments
  }

  /** How long counts wait in memory now, in milliseconds. */
  get ms(): number {
    const ms = Math.ceil(this.#members * this.#increments * msPerIncrement)
    return Math.min(Math.max(ms, shortestMs), longestMs)
  }
}
