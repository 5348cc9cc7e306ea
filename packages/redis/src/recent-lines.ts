import type { ClaimedLine, Settlement } from '@px-usage/core'

interface Recent {
  readonly state: 'attempted' | 'delivered'
  readonly calls: number
  readonly attempts: number
  readonly attemptedAtMs: number
}

/**
 * What this process did with the lines that it sent last. A failover, or a restore from a backup, may take Redis back to an earlier state,
 * in which lines that PX has are pending.
 */
export class RecentLines {
  readonly #lines = new Map<string, Recent>()
  readonly #most: number

  /** @param most number of lines that are remembered; the default takes about 10 MB */
  constructor(most = 100_000) {
    this.#most = most
  }

  /** Remembers that requests with these lines are about to start. */
  attempted(lines: readonly ClaimedLine[], attemptedAtMs: number): void {
    for (const { id, calls, attempts } of lines) {
      this.#set(id, { state: 'attempted', calls, attempts: attempts + 1, attemptedAtMs })
    }
  }

  /** Remembers which of these lines PX has. */
  settled(settlements: readonly Settlement[]): void {
    for (const { id, state } of settlements) {
      const recent = this.#lines.get(id)
      if (state === 'delivered' && recent !== undefined) this.#set(id, { ...recent, state })
      else if (state !== 'unconfirmed') this.#lines.delete(id)
    }
  }

  /** Returns how many calls PX has of a line that was delivered; `undefined` for other lines. */
  deliveredCalls(id: string): number | undefined {
    const recent = this.#lines.get(id)
    return recent?.state === 'delivered' ? recent.calls : undefined
  }

  /** Returns a claimed line in the state that it has by what this process did. */
  corrected(line: ClaimedLine): ClaimedLine {
    const recent = this.#lines.get(line.id)
    if (line.state !== 'pending' || recent === undefined) return line
    return { ...line, state: 'unconfirmed', attempts: recent.attempts, attemptedAtMs: recent.attemptedAtMs }
  }

  #set(id: string, recent: Recent): void {
    this.#lines.delete(id)
    this.#lines.set(id, recent)
    if (this.#lines.size > this.#most) this.#forgetOldest()
  }

  /** Forgets a tenth of the lines at once, because the first key of a map is found slowly after many removals. */
  #forgetOldest(): void {
    let left = Math.ceil(this.#most / 10)
    for (const id of this.#lines.keys()) {
      this.#lines.delete(id)
      left -= 1
      if (left === 0) return
    }
  }
}
