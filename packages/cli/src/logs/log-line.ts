/** Why a line of a log is no call. */
export type JunkReason = 'layout' | 'time' | 'request' | 'status' | 'too long' | 'torn'

/** What each reason means, for the table that people read. */
export const junkReasons: Readonly<Record<JunkReason, string>> = {
  layout: 'not of this format',
  time: 'no valid time',
  request: 'no HTTP request in it',
  status: 'no valid status',
  'too long': 'longer than 1 MiB',
  torn: 'the log ends in the middle of it',
}

/** A request that a log recorded. A format returns the same object for each line, so read it before the next one. */
export interface LogLine {
  /** When the request ended, epoch milliseconds. */
  readonly atMs: number
  readonly method: string
  /** As logged, without the query. */
  readonly path: string
  /** 0 if the client left before there was a status. */
  readonly status: number
  /** Whether the client left before the response was complete. */
  readonly aborted: boolean
  /** Returns a field by its name, decoded; `undefined` if the line does not have it, or has `-` in its place. */
  field(name: string): string | undefined
  /**
   * Returns the same as `field()`, not decoded. Equal texts are equal fields, so it is the faster key of a cache.
   */
  rawField(name: string): string | undefined
  /** Returns all fields, decoded. */
  fields(): Record<string, unknown>
}

/** The layout of a log. */
export interface LogFormat {
  readonly name: string
  /** Parses the line in `text` from `start` to `end`. The characters of `text` are bytes (`latin1`). */
  parse(text: string, start: number, end: number): LogLine | JunkReason
}

/** Statuses by which a proxy records that the client left: 499 of nginx, 460 of AWS ALB. They were never sent to a client. */
const clientLeft: ReadonlySet<number> = new Set([460, 499])

/** Returns the status of a call as a live call would have it, and whether the client left. */
export function outcomeOf(logged: number): { status: number; aborted: boolean } {
  return clientLeft.has(logged) ? { status: 0, aborted: true } : { status: logged, aborted: false }
}
