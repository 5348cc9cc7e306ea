import type { Endpoint } from '../model/endpoint.ts'
import type { Properties, UsageDay } from '../model/series.ts'

/** What is known of a finished call beside who made it. */
export interface HeldCall {
  /** The usage day in which it finished: a late answer does not move it. */
  readonly day: UsageDay
  readonly endpoint: Endpoint
  readonly properties: Properties
  readonly statusCode: number
  readonly aborted: boolean
}

/** Calls that are counted under the same numbers. */
export interface HeldKind {
  readonly call: HeldCall
  times: number
}

/** Searched from the newest, as a caller repeats itself; beyond it the search would be felt. */
const maxKinds = 1_000

/**
 * Holds one more call among `kinds`: calls of one kind are one number, so that an answer which is long in coming takes no
 * more memory however many calls wait for it.
 *
 * @param hasRoom whether a kind may be added
 * @returns `full` if it is of no kind among them and none could be added
 */
export function hold(kinds: HeldKind[], call: HeldCall, hasRoom: boolean): 'joined' | 'added' | 'full' {
  for (let index = kinds.length - 1; index >= 0; index--) {
    const kind = kinds[index] as HeldKind
    if (!isSameKind(kind.call, call)) continue
    kind.times += 1
    return 'joined'
  }
  if (!hasRoom || kinds.length >= maxKinds) return 'full'
  kinds.push({ call, times: 1 })
  return 'added'
}

function isSameKind(a: HeldCall, b: HeldCall): boolean {
  return (
    a.endpoint.route === b.endpoint.route &&
    a.endpoint.method === b.endpoint.method &&
    errorClass(a.statusCode) === errorClass(b.statusCode) &&
    a.aborted === b.aborted &&
    a.properties === b.properties &&
    a.day === b.day
  )
}

/** 4 and 5 are counted apart, all others alike. */
function errorClass(statusCode: number): number {
  return statusCode < 400 ? 0 : statusCode < 500 ? 4 : 5
}
