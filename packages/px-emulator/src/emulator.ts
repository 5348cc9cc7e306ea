import type { KeyPermissions } from './api/api-keys.ts'
import type { CustomEvent } from './events/custom-event.ts'
import type { Report } from './report/report.ts'
import type { ReportQuery } from './report/report-query.ts'
import type { Fault, FaultRule, ReceivedRequest } from './server/faults.ts'
import type { DeclaredAttribute, MemberKind } from './subscription/attribute-model.ts'
import type { Switches } from './switches.ts'

export interface EmulatorOptions {
  /** 0 takes a free one. @default 7070 */
  port?: number
  /** Where it listens. Anything but loopback shows the page and its controls to the network. @default '127.0.0.1' */
  host?: string
  /** A key with all permissions, for `X-APTRINSIC-API-KEY`. @default 'emulator-key' */
  apiKey?: string
  /** Further keys, each with what it may do. */
  keys?: Record<string, KeyPermissions>
  /** The product key of the subscription. @default 'AP-DEMOEMULATOR-2' */
  productKey?: string
  /** The time zone of the subscription. @default 'UTC' */
  timeZone?: string
  /** Declared custom attributes; PX takes no others. @default none */
  attributes?: { [K in MemberKind]?: readonly DeclaredAttribute[] }
  /** Declared event names, for the switch `undeclaredEvent`. @default none */
  eventNames?: readonly string[]
  /** How it does what nobody outside knows of PX. */
  switches?: Partial<Switches>
  /** Breaks requests to `/v1`, to try what a sender makes of it. Asked before the rules of `addFault`. */
  fault?: (request: ReceivedRequest) => Fault | undefined
  /** Where fault rules with a probability draw from. @default 1 */
  seed?: number
  /** Keeps events, users and accounts in this directory, so that they are there after a restart. @default in memory */
  dir?: string
  /** How many received requests are kept, newest last, while their bodies have 64 MB together. @default 10000 */
  keepRequests?: number
  /** The time, in epoch milliseconds. @default Date.now */
  now?: () => number
}

export interface Emulator {
  /** `http://127.0.0.1:7070` */
  readonly url: string
  readonly apiKey: string
  readonly productKey: string
  /** Whether only this machine can reach it. */
  readonly isLoopback: boolean
  /** Events stored so far, in the order of arrival, as GET answers them. Those that cannot be seen yet are among them. */
  events(): readonly CustomEvent[]
  /** What came to `/v1`, in the order of arrival. */
  readonly requests: readonly ReceivedRequest[]
  /** Switches in force. */
  readonly switches: Readonly<Switches>
  /** @throws {Error} for an unknown switch or value */
  setSwitches(switches: Partial<Switches>): void
  /** Breaks the requests that match. Answers the id of the rule. */
  addFault(rule: FaultRule): number
  removeFault(id: number): void
  clearFaults(): void
  /** Makes a key that may do this. */
  addKey(key: string, permissions: KeyPermissions): void
  declareAttributes(kind: MemberKind, attributes: readonly DeclaredAttribute[]): void
  /** A chart as the page shows it, over the events that can be seen. */
  report(query: ReportQuery): Report
  /** Forgets events, users, accounts, requests and fault rules; the switches are those of the start again. */
  reset(): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
