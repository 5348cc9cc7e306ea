import type { ClaimedLine } from '../model/outbox-line.ts'
import { type DeliveryResult, resultOf } from '../px/delivery-result.ts'
import type { RateLimit } from './rate-limit.ts'
import { lanes } from './sender-health.ts'

/** Sends one line, to PX over the network or to the in-memory delivery of a test. */
export type SendLine = (line: ClaimedLine) => Promise<DeliveryResult>

/** What became of a batch of lines. */
export interface BatchResult {
  /** The result of each line that was sent. The other lines were not sent. */
  results: ReadonlyMap<string, DeliveryResult>
  /** Whether the batch ended because the daily budget is spent. */
  isBudgetSpent: boolean
  /** Set if the batch ended because `acquire` failed. */
  failure: { cause: unknown } | undefined
}

/**
 * Sends lines, up to `lanes` at a time, until all are sent or a result stops the batch. Then it awaits the open requests. It never
 * rejects: each line that was sent has a result.
 */
export async function sendBatch(
  lines: readonly ClaimedLine[],
  {
    send,
    acquire,
    now,
    mayContinue,
    learn,
  }: {
    send: SendLine
    acquire: RateLimit['acquire']
    now(): number
    /** Called before each line. */
    mayContinue(): boolean
    /** Receives each result. @returns whether to send no more */
    learn(line: ClaimedLine, result: DeliveryResult): boolean
  },
): Promise<BatchResult> {
  const results = new Map<string, DeliveryResult>()
  let next = 0
  let isEnded = false
  let isBudgetSpent = false
  let failure: BatchResult['failure']

  async function attempt(line: ClaimedLine): Promise<DeliveryResult> {
    try {
      return await send(line)
    } catch (error) {
      return resultOf({ received: false, error, maybeSent: true }, now())
    }
  }

  async function lane(): Promise<void> {
    while (!isEnded && mayContinue() && next < lines.length) {
      const line = lines[next++] as ClaimedLine
      const permit = await acquire()
      if (permit === 'budgetSpent') isBudgetSpent = true
      if (permit !== 'granted') isEnded = true
      if (isEnded || !mayContinue()) return
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
  return { results, isBudgetSpent, failure }
}

/**
 * Sends lines in one request. If the receiver rejects several lines together, each half is sent again, until it is known which lines it
 * rejects: one bad line must not take the others with it. It never rejects.
 */
export async function sendTogether(
  lines: readonly ClaimedLine[],
  {
    send,
    now,
    mayContinue,
    learn,
  }: {
    send(lines: readonly ClaimedLine[]): Promise<DeliveryResult>
    now(): number
    mayContinue(): boolean
    learn(line: ClaimedLine, result: DeliveryResult): boolean
  },
): Promise<BatchResult> {
  const results = new Map<string, DeliveryResult>()
  const parts = [lines]
  let isEnded = false
  for (let part = parts.shift(); part !== undefined && !isEnded && mayContinue(); part = parts.shift()) {
    const result = await send(part).catch((error: unknown) =>
      resultOf({ received: false, error, maybeSent: true }, now()),
    )
    if (result.outcome === 'rejected' && part.length > 1) {
      const middle = Math.ceil(part.length / 2)
      parts.unshift(part.slice(0, middle), part.slice(middle))
      continue
    }
    for (const line of part) {
      results.set(line.id, result)
      if (learn(line, result)) isEnded = true
    }
  }
  return { results, isBudgetSpent: false, failure: undefined }
}
