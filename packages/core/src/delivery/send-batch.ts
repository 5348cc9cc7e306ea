import type { ClaimedLine } from '../model/outbox-line.ts'
import { type DeliveryResult, resultOf } from '../px/delivery-result.ts'
import type { RateLimit } from './rate-limit.ts'
import { lanes } from './sender-health.ts'

/** Sends one line: PX over the network, or the in-memory delivery of the test kit. */
export type SendLine = (line: ClaimedLine) => Promise<DeliveryResult>

export interface BatchResult {
  /** What became of each line that was sent; the others were not. */
  results: ReadonlyMap<string, DeliveryResult>
  /** It ended because the daily budget is spent. */
  isSpent: boolean
  /** It ended because `acquire` failed. */
  failure: { cause: unknown } | undefined
}

/**
 * Sends the lines, a few at a time, until there are no more or one says to stop. Those on their way then are waited for. Never
 * rejects: each line that may have left has a result.
 */
export async function sendBatch(
  lines: readonly ClaimedLine[],
  {
    send,
    acquire,
    now,
    goesOn,
    learn,
  }: {
    send: SendLine
    acquire: RateLimit['acquire']
    now(): number
    /** Asked before each line. */
    goesOn(): boolean
    /** Told each result. @returns whether to send no more */
    learn(line: ClaimedLine, result: DeliveryResult): boolean
  },
): Promise<BatchResult> {
  const results = new Map<string, DeliveryResult>()
  let next = 0
  let isEnded = false
  let isSpent = false
  let failure: BatchResult['failure']

  async function attempt(line: ClaimedLine): Promise<DeliveryResult> {
    try {
      return await send(line)
    } catch (error) {
      return resultOf({ answered: false, error, maybeSent: true }, now())
    }
  }

  async function lane(): Promise<void> {
    while (!isEnded && goesOn() && next < lines.length) {
      const line = lines[next++] as ClaimedLine
      const answer = await acquire()
      if (answer === 'spent') isSpent = true
      if (answer !== 'go') isEnded = true
      if (isEnded || !goesOn()) return
      const result = await attempt(line)
      results.set(line.id, result)
      if (learn(line, result)) isEnded = true
    }
  }

  const all = Array.from({ length: Math.min(lanes, lines.length) }, () =>
    lane().catch((cause: unknown) => {
      isEnded = true
      failure ??= { cause }
    }),
  )
  await Promise.all(all)
  return { results, isSpent, failure }
}
