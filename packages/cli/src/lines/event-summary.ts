import type { Output } from '../output.ts'
import { counted, formatCount } from '../terminal-text.ts'

/** An event as PX receives it, and what became of it if that is known. */
interface ShownEvent {
  readonly eventName: string
  readonly userId?: string | undefined
  readonly accountId?: string | undefined
  readonly attributes?: Readonly<Record<string, unknown>> | undefined
  readonly state?: string | undefined
}

export interface EventSummary {
  readonly total: number
  /** Events by name and, where it is known, state. */
  readonly byName: ReadonlyArray<{
    eventName: string
    state: string | undefined
    events: number
    apiCalls: number
  }>
  /** The first events, as many as the limit allows. */
  readonly events: readonly ShownEvent[]
}

/** Adds events up, and keeps the first ones. */
export function createEventSummary(limit: number): { add(event: ShownEvent): void; result(): EventSummary } {
  const byName = new Map<string, EventSummary['byName'][number]>()
  const events: ShownEvent[] = []
  let total = 0
  return {
    add(event) {
      total += 1
      if (events.length < limit) events.push(event)
      const { eventName, state } = event
      const key = JSON.stringify([eventName, state])
      const known = byName.get(key) ?? { eventName, state, events: 0, apiCalls: 0 }
      known.events += 1
      known.apiCalls += Number(event.attributes?.apiCalls ?? 0) || 0
      byName.set(key, known)
    },
    result: () => ({ total, byName: [...byName.values()], events }),
  }
}

/** Prints a summary for people. */
export function printEvents({ total, byName, events }: EventSummary, output: Output): void {
  const hasState = byName.some(({ state }) => state !== undefined)
  const stateColumn = hasState ? ['State'] : []
  output.table({
    columns: ['Event', ...stateColumn, 'Events', 'apiCalls'],
    rows: byName.map(({ eventName, state, events, apiCalls }) => [
      ...[eventName, ...(hasState ? [state] : []), events, apiCalls],
    ]),
  })
  output.line()
  if (events.length > 0) {
    output.table({
      columns: ['Event', ...stateColumn, 'User', 'Account', 'Endpoint', 'apiCalls'],
      rows: events.map(({ eventName, state, userId, accountId, attributes = {} }) => [
        ...[eventName, ...(hasState ? [state] : []), userId, accountId],
        ...[endpointText(attributes), amountOf(attributes)],
      ]),
    })
    const rest = total - events.length
    if (rest > 0) output.line(`  ... and ${formatCount(rest)} more. --limit shows more.`)
    output.line()
  } else output.line(`  ${counted(total, 'event')}.`)
}

function endpointText({ method, endpoint }: Readonly<Record<string, unknown>>): string | undefined {
  return endpoint === undefined ? undefined : `${method} ${endpoint}`
}

function amountOf({ apiCalls }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof apiCalls === 'number' ? apiCalls : undefined
}
