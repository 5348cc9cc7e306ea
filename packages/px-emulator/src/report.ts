import type { CustomEvent } from './custom-event.ts'
import { PxError } from './px-error.ts'
import { createDayOf, nextPeriod, periodOf, type Scope, scopes } from './report-period.ts'

export const reportFunctions = ['Sum', 'Average', 'Count', 'Min', 'Max', 'Users'] as const
export type ReportFunction = (typeof reportFunctions)[number]

export interface ReportQuery {
  eventName: string
  /** The attribute that Sum, Average, Min and Max read, in any case; events without a number in it do not take part. */
  property: string
  function: ReportFunction
  scope: Scope
  /** IANA zone in which days begin. */
  timeZone: string
  /** First day, `2026-11-01`. @default the day of the oldest event, if that makes 7 to 90 days */
  from?: string
  /** Last day, included. @default the day of the newest event */
  to?: string
  /** One line per value of this: `identifyId`, `accountId` or an attribute. */
  by?: string
}

export interface Report {
  /** First day of each day, week (Monday) or month, without gaps. */
  periods: string[]
  /** Largest first; beyond nine lines the rest is one line more. */
  series: { name: string; values: (number | null)[] }[]
  /** Events that took part. */
  events: number
  /** Most events that one user has on one day: above 1, an Average is not an average day. */
  eventsPerUserDay: number
}

interface Cell {
  count: number
  sum: number
  min: number
  max: number
  users: Set<string>
}

/** Most and fewest days that are shown when nobody asked for a range. */
const defaultDays = [90, 7] as const
const maxPeriods = 1_100
const maxSeries = 9

/**
 * Works out a chart over custom events the way PX's article on server-side usage describes it. Average divides by the number of
 * events.
 *
 * @throws {PxError} 400 for an unknown function, scope, zone or range
 */
export function report(events: readonly CustomEvent[], query: ReportQuery): Report {
  if (!reportFunctions.includes(query.function)) refuse('function', query.function, reportFunctions)
  if (!scopes.includes(query.scope)) refuse('scope', query.scope, scopes)
  const dayOf = createDayOf(query.timeZone)
  const named = events.filter((event) => event.eventName === query.eventName)
  const [from, to] = dayRange(named, query, dayOf)
  const periods = periodsBetween(from, to, query.scope)
  const position = new Map(periods.map((period, index) => [period, index]))
  const read = attributeReader(query.property)
  const lineOf = query.by ? breakdown(query.by) : () => query.eventName
  const needsNumber = query.function !== 'Count' && query.function !== 'Users'

  const lines = new Map<string, (Cell | undefined)[]>()
  const perUserDay = new Map<string, Map<string, number>>()
  let eventsPerUserDay = 0
  let taken = 0
  for (const event of named) {
    const day = dayOf(event.date)
    if (day < from || day > to) continue
    const value = read(event)
    if (needsNumber && typeof value !== 'number') continue
    taken += 1
    const perUser = perUserDay.get(day) ?? new Map<string, number>()
    perUserDay.set(day, perUser)
    const ofUserDay = (perUser.get(event.identifyId) ?? 0) + 1
    perUser.set(event.identifyId, ofUserDay)
    eventsPerUserDay = Math.max(eventsPerUserDay, ofUserDay)
    const name = lineOf(event)
    const cells = lines.get(name) ?? new Array<Cell | undefined>(periods.length)
    lines.set(name, cells)
    const at = position.get(periodOf(day, query.scope))!
    const cell = add(cells[at], typeof value === 'number' ? value : 0)
    // A set per cell is most of the cost, so only the function that needs it pays.
    if (query.function === 'Users') cell.users.add(event.identifyId)
    cells[at] = cell
  }
  const series = largest(lines, periods.length).map(([name, cells]) => ({
    name,
    values: periods.map((_, index) => result(cells[index], query.function)),
  }))
  return { periods, series, events: taken, eventsPerUserDay }
}

function refuse(name: string, value: unknown, known: readonly string[]): never {
  throw new PxError(400, `${name} ${JSON.stringify(value)} is not one of ${known.join(', ')}`)
}

function dayRange(events: readonly CustomEvent[], query: ReportQuery, dayOf: (ms: number) => string) {
  let [oldestMs, newestMs] = [Date.now(), Number.NEGATIVE_INFINITY]
  for (const { date } of events) {
    if (date < oldestMs) oldestMs = date
    if (date > newestMs) newestMs = date
  }
  const to = query.to || dayOf(newestMs === Number.NEGATIVE_INFINITY ? Date.now() : newestMs)
  const bounds = defaultDays.map((days) => nextPeriod(to, 'Daily', 1 - days))
  const from = query.from || [dayOf(oldestMs), ...bounds].sort()[1]!
  for (const day of [from, to]) {
    if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(Date.parse(day))) {
      throw new PxError(400, `${JSON.stringify(day)} is not a day such as 2026-11-23`)
    }
  }
  return [from, to] as const
}

function periodsBetween(from: string, to: string, scope: Scope): string[] {
  const periods: string[] = []
  for (let period = periodOf(from, scope); period <= to; period = nextPeriod(period, scope)) {
    periods.push(period)
    if (periods.length > maxPeriods) throw new PxError(400, `A chart has at most ${maxPeriods} points`)
  }
  return periods
}

/** Names of attributes are compared without regard to case, as the current PX article says. */
function attributeReader(name: string): (event: CustomEvent) => unknown {
  const folded = name.toLowerCase()
  return ({ attributes }) => {
    if (Object.hasOwn(attributes, name)) return attributes[name]
    const key = Object.keys(attributes).find((key) => key.toLowerCase() === folded)
    return key === undefined ? undefined : attributes[key]
  }
}

function breakdown(by: string): (event: CustomEvent) => string {
  const read = attributeReader(by)
  return (event) => {
    const value = by === 'identifyId' || by === 'accountId' ? event[by] : read(event)
    return value === undefined || value === null ? '(none)' : String(value)
  }
}

function add(cell: Cell | undefined, value: number): Cell {
  if (cell === undefined) return { count: 1, sum: value, min: value, max: value, users: new Set() }
  cell.count += 1
  cell.sum += value
  cell.min = Math.min(cell.min, value)
  cell.max = Math.max(cell.max, value)
  return cell
}

function largest(lines: Map<string, (Cell | undefined)[]>, length: number): [string, (Cell | undefined)[]][] {
  const size = (cells: (Cell | undefined)[]) =>
    cells.reduce((sum, cell) => sum + Math.abs(cell?.sum ?? 0) + (cell?.count ?? 0), 0)
  const sorted = [...lines]
    .map(([name, cells]) => ({ name, cells, size: size(cells) }))
    .sort((a, b) => b.size - a.size)
  const kept = sorted
    .slice(0, maxSeries)
    .map(({ name, cells }): [string, (Cell | undefined)[]] => [name, cells])
  const folded = sorted.slice(maxSeries)
  if (folded.length > 0) {
    const rest = new Array<Cell | undefined>(length)
    for (const { cells } of folded) {
      for (let at = 0; at < length; at += 1) rest[at] = merge(rest[at], cells[at])
    }
    kept.push([`(${folded.length} more)`, rest])
  }
  return kept
}

/** Adds `b` to `a` in place: the lines that are folded are not shown themselves. */
function merge(a: Cell | undefined, b: Cell | undefined): Cell | undefined {
  if (a === undefined || b === undefined) return a ?? b
  a.count += b.count
  a.sum += b.sum
  a.min = Math.min(a.min, b.min)
  a.max = Math.max(a.max, b.max)
  for (const user of b.users) a.users.add(user)
  return a
}

/** Nothing happened: a sum is 0 then, an average is not. */
function result(cell: Cell | undefined, wanted: ReportFunction): number | null {
  switch (wanted) {
    case 'Sum':
      return cell?.sum ?? 0
    case 'Count':
      return cell?.count ?? 0
    case 'Users':
      return cell?.users.size ?? 0
    case 'Average':
      return cell === undefined ? null : cell.sum / cell.count
    case 'Min':
      return cell?.min ?? null
    case 'Max':
      return cell?.max ?? null
  }
}
