import type { ClaimedLine } from '../model/outbox-line.ts'
import type { DeliveryResult } from '../px/delivery-result.ts'
import type { Dispatcher } from '../px/px-client.ts'

/** A destination other than PX that takes many lines in one request; see `webhookDelivery()`. */
export interface BatchDelivery {
  /** The destination in messages, at the beginning of a sentence: `The webhook`. */
  readonly receiver: string
  /** The most lines of one request. */
  readonly mostLines: number
  /** Opens it for one meter. */
  connect(settings: {
    readonly dispatcher: Dispatcher | undefined
    readonly requestTimeoutMs: number
  }): BatchConnection
}

/** A destination that one meter uses. */
export interface BatchConnection {
  /** Sends lines in one request. The result applies to all of them. */
  send(lines: readonly ClaimedLine[]): Promise<DeliveryResult>
  /** Aborts open requests. */
  abort(): Promise<void>
}
