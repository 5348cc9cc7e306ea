import type { KeyPermissions } from './api/api-keys.ts'
import type { CustomEvent } from './events/custom-event.ts'
import type { Report } from './report/report.ts'
import type { ReportQuery } from './report/report-query.ts'
import type { Fault, FaultRule, ReceivedRequest } from './server/faults.ts'
import type { DeclaredAttribute, MemberKind } from './subscription/attribute-model.ts'
import type { Switches } from './switches.ts'

export interface EmulatorOptions {
  /** Port to listen on; 0 picks a free one. @default 7070 */
  port?: number
  /** Address to listen on. Any address but loopback opens the page and its controls to the network. @default '127.0.0.1' */
  host?: string
  /** A key with all permissions, for `X-APTRINSIC-API-KEY`. @default 'emulator-key' */
  apiKey?: string
  /** Additional keys with their permissions. */
  keys?: Record<string, KeyPermissions>
  /** The product key of the subscription. @default 'AP-DEMOEMULATOR-2' */
  productKey?: string
  /** The time zone of the subscription. @default 'UTC' */
  timeZone?: string
  /** Declared custom attributes; PX accepts no others. @default none */
  attributes?: { [K in MemberKind]?: readonly DeclaredAttribute[] }
  /** Declared event names, for the switch `undeclaredEvent`. @default none */
  eventNames?: readonly string[]
  /** Choices where the behaviour of PX is not publicly known. */
  switches?: Partial<Switches>
  /** Returns a fault for a request to `/v1`. Called before the rules of `addFault` are applied. */
  fault?: (request: ReceivedRequest) => Fault | undefined
  /** Seed of the random numbers for fault rules with a probability. @default 1 */
  seed?: number
  /** Directory that keeps events, users and accounts across restarts. @default in memory */
  dir?: string
  /** Number of received requests that are kept, newest last, up to 64 MB of bodies. @default 10000 */
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
  /** Stored events in the order of arrival, as GET returns them, including those that are not visible yet. */
  events(): readonly CustomEvent[]
  /** Requests to `/v1`, in the order of arrival. */
  readonly requests: readonly ReceivedRequest[]
  /** Switches in force. */
  readonly switches: Readonly<Switches>
  /** @throws {Error} for an unknown switch or value */
  setSwitches(switches: Partial<Switches>): void
  /** Adds a fault for matching requests. Returns the id of the rule. */
  addFault(rule: FaultRule): number
  removeFault(id: number): void
  clearFaults(): void
  /** Adds a key with these permissions. */
  addKey(key: string, permissions: KeyPermissions): void
  declareAttributes(kind: MemberKind, attributes: readonly DeclaredAttribute[]): void
  /** Computes a chart as the page shows it, over the visible events. */
  report(query: ReportQuery): Report
  /** Removes events, users, accounts, requests and fault rules, and resets the switches to those of the start. */
  reset(): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
