import type { ApiKeys, KeyPermissions } from '../api/api-keys.ts'
import type { PxRequest, PxResponse } from '../api/px-routes.ts'
import { fields, withEpochDates } from '../events/custom-event.ts'
import { PxError } from '../px-error.ts'
import { type Condition, condition } from '../query/filter.ts'
import { newestPlaces } from '../query/newest-events.ts'
import { catalogOf, valuesOf } from '../report/catalog.ts'
import type { Overview } from '../report/overview.ts'
import type { Report } from '../report/report.ts'
import { checkZone, type Scope } from '../report/report-period.ts'
import type { ReportFunction, ReportQuery } from '../report/report-query.ts'
import type { AttributeModel, DeclaredAttribute, MemberKind } from '../subscription/attribute-model.ts'
import type { PxState } from '../subscription/px-state.ts'
import { checkSwitches, type Switches, switchValues } from '../switches.ts'
import type { FaultRule, FaultRules, ReceivedRequest } from './faults.ts'

/** The parts of the emulator that the inspection API reads and changes. */
export interface ControlContext {
  state: PxState
  /** The key in the example on the page; `undefined` where other machines can read the page. */
  shownKey: string | undefined
  keys: ApiKeys
  faults: FaultRules
  requests: readonly ReceivedRequest[]
  requestCount(): number
  forgetRequests(): void
  report(query: ReportQuery): Report
  overview(query: ReportQuery, most: number): Overview
  reset(): void
  now(): number
}

const shownEvents = 100
const shownMembers = 500
const shownValues = 200
const shownLines = 10

type Handler = (context: ControlContext, request: PxRequest) => unknown

const handlers: Readonly<Record<string, Handler>> = {
  'GET requests': ({ requests, requestCount }, { query }) => ({
    total: requestCount(),
    requests: requests.slice(-numberIn(query, 'limit', shownEvents)),
  }),
  'DELETE requests': ({ forgetRequests }) => forgetRequests(),
  'GET faults': ({ faults }) => faults.list(),
  'POST faults': ({ faults }, { body }) => ({ id: faults.add(fields(body()) as unknown as FaultRule) }),
  'DELETE faults': ({ faults }, { path }) => {
    if (path[1] === undefined) faults.clear()
    else if (!faults.remove(Number(path[1]))) throw new PxError(404, `No fault rule ${path[1]}`)
  },
  'GET switches': ({ state }) =>
    Object.entries(state.switches).map(([name, value]) => ({
      name,
      value,
      values: switchValues(name as keyof Switches),
    })),
  'PUT switches': ({ state }, { body }) => {
    Object.assign(state.switches, checkSwitches(fields(body())))
  },
  'PUT keys': ({ keys }, { body }) => {
    const { key, read, write } = fields(body())
    if (typeof key !== 'string' || key === '') throw new PxError(400, 'key must be a non-empty text')
    keys.set(key, { read: read === true, write: write === true } satisfies KeyPermissions)
  },
  'PUT attributes': ({ state, now }, { path, body }) => {
    declareFrom(state.model, path[1], body(), now())
  },
  'PUT subscription': ({ state }, { body }) => {
    const { timeZone } = fields(body())
    state.timeZone = checkZone(String(timeZone))
  },
  'POST reset': ({ reset }) => reset(),
  'GET catalog': ({ state, shownKey, now }) => ({
    timeZone: state.timeZone,
    productKey: state.productKey,
    apiKey: shownKey,
    ...catalogOf(state.events, visible(state, now())),
  }),
  'GET values': ({ state }, { query }) =>
    valuesOf(state.events, query.get('eventName') ?? '', query.get('field') ?? '', shownValues),
  'GET report': ({ report }, { query }) => report(reportQuery(query)),
  'GET overview': ({ overview }, { query }) =>
    overview(reportQuery(query), numberIn(query, 'limit', shownLines)),
  'GET events': ({ state, now }, { query }) => newestEvents(state, query, now()),
  'GET audience': ({ state }) => ({
    users: state.users.all().slice(-shownMembers),
    accounts: state.accounts.all().slice(-shownMembers),
    userCount: state.users.all().length,
    accountCount: state.accounts.all().length,
    ignored: { user: state.users.ignored(), account: state.accounts.ignored() },
  }),
}

/**
 * Handles a request below `/_px-emulator/`: inspection, switches, faults, and the numbers of the report page.
 *
 * @throws {PxError} 404 or 400
 */
export function handleControlRequest(context: ControlContext, request: PxRequest): PxResponse {
  const name = `${request.method} ${request.path[0]}`
  if (!Object.hasOwn(handlers, name)) {
    throw new PxError(404, `No ${JSON.stringify(name)}. There are: ${Object.keys(handlers).join(', ')}`)
  }
  const body = handlers[name]!(context, request)
  return body === undefined ? { status: 204 } : { status: 200, body }
}

function visible({ events, switches }: PxState, nowMs: number): number {
  return events.reveal(nowMs - switches.visibilityLagMs)
}

function newestEvents(state: PxState, query: URLSearchParams, nowMs: number) {
  const end = visible(state, nowMs)
  const search = {
    before: Math.min(numberIn(query, 'before', end), end),
    limit: numberIn(query, 'limit', shownEvents),
    text: query.get('search') ?? '',
  }
  return newestPlaces(state.events, search).map((place) => {
    const event = state.events.at(place)
    return {
      place,
      receivedMs: state.events.receivedMs(place),
      event: state.switches.isoDates === 'epoch' ? withEpochDates(event) : event,
    }
  })
}

function declareFrom(model: AttributeModel, kind: string | undefined, body: unknown, nowMs: number): void {
  if (kind !== 'user' && kind !== 'account') throw new PxError(404, 'No such path')
  if (!Array.isArray(body)) throw new PxError(400, 'The body must be an array of attributes')
  // Without this check, a null among them made the response 500.
  const attributes = body.map((attribute) => fields(attribute)) as unknown as DeclaredAttribute[]
  model.declare(kind satisfies MemberKind, attributes, nowMs)
}

function numberIn(query: URLSearchParams, name: string, otherwise: number): number {
  const number = Number(query.get(name) ?? otherwise)
  // The place before which a search begins is 0 when there are no events.
  if (!Number.isInteger(number) || number < (name === 'before' ? 0 : 1))
    throw new PxError(400, `${name} must be a whole number of at least ${name === 'before' ? 0 : 1}`)
  return number
}

function reportQuery(query: URLSearchParams): ReportQuery {
  const text = (name: string, otherwise = '') => query.get(name) || otherwise
  return {
    eventName: text('eventName'),
    property: text('property'),
    function: text('function', 'Sum') as ReportFunction,
    scope: text('scope', 'Daily') as Scope,
    timeZone: text('timeZone', 'UTC'),
    from: text('from'),
    to: text('to'),
    ...(query.get('days') ? { days: numberIn(query, 'days', 1) } : {}),
    by: text('by'),
    filters: query.getAll('filter').map(reportFilter),
  }
}

/** Parses `["accountId","==","acme"]`. The three parts are separate because an attribute name may contain any character. */
function reportFilter(text: string): Condition {
  let parts: unknown
  try {
    parts = JSON.parse(text)
  } catch {
    parts = undefined
  }
  if (!Array.isArray(parts) || parts.length !== 3 || parts.some((part) => typeof part !== 'string')) {
    throw new PxError(400, `filter ${JSON.stringify(text)} is not of the form ["accountId","==","acme"]`)
  }
  const [field, operator, value] = parts as [string, string, string]
  return condition(field, operator, value)
}
