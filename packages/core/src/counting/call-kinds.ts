import type { CallProperties } from '../attribution/call-properties.ts'
import { type Endpoints, unmatchedRoute } from '../attribution/endpoint.ts'
import type { FinishedCall } from '../attribution/finished-call.ts'
import { errorClass } from '../attribution/pending-calls.ts'
import type { CallKind } from '../model/call-kind.ts'
import { detached } from '../model/detached-text.ts'
import type { Endpoint } from '../model/endpoint.ts'
import type { Properties } from '../model/series.ts'

/** The kinds of calls of a meter: one object for each, so that a call of a known kind allocates nothing. */
export interface CallKinds {
  /** Returns the kind of a call. Never throws. */
  of(call: FinishedCall): CallKind
}

/** The kinds of one route that have the same method and properties. */
interface Group {
  readonly method: string
  readonly properties: Properties
  readonly endpoint: Endpoint
  /** By `indexOf()`. */
  readonly kinds: Array<CallKind | undefined>
  readonly next: Group | undefined
  /** How many groups follow it. */
  readonly followers: number
}

/** Limit of routes. Calls of further ones get an object each. */
const maxRoutes = 10_000
/** When a route has this many groups, which are searched one by one, they are forgotten: their properties may never come again. */
const maxGroups = 16

/** Creates a kind that no table has counted yet. */
export function newCallKind(
  endpoint: Endpoint,
  properties: Properties,
  statusCode: number,
  aborted: boolean,
): CallKind {
  return { endpoint, properties, statusCode, aborted, table: undefined, dimension: -1 }
}

/** Creates an empty list of kinds. */
export function createCallKinds(endpoints: Endpoints, properties: CallProperties): CallKinds {
  const routes = new Map<string, Group>()

  function makeGroup(route: string, method: string, own: Properties, before: Group | undefined): Group {
    const endpoint = endpoints.of(method, route)
    const next = before !== undefined && before.followers < maxGroups - 1 ? before : undefined
    const group: Group = {
      ...{ method: detached(method), properties: own, endpoint, next },
      ...{ kinds: new Array(12).fill(undefined), followers: next === undefined ? 0 : next.followers + 1 },
    }
    // The route of the endpoint is a copy: the text of the call may be a part of a long one.
    if (before !== undefined || routes.size < maxRoutes) routes.set(endpoint.route, group)
    return group
  }

  return {
    of({ method, route = unmatchedRoute, properties: given, statusCode, aborted }) {
      const own = properties.of(given)
      const first = routes.get(route)
      let group = first
      while (group !== undefined && (group.method !== method || group.properties !== own)) group = group.next
      group ??= makeGroup(route, method, own, first)
      const at = indexOf(statusCode, aborted)
      const kind = group.kinds[at]
      if (kind !== undefined) return kind
      const made = newCallKind(group.endpoint, own, statusCode, aborted)
      group.kinds[at] = made
      return made
    },
  }
}

function indexOf(statusCode: number, aborted: boolean): number {
  return 2 * errorClass(statusCode) + (aborted ? 1 : 0)
}
