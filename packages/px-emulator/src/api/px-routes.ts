import { fields, withEpochDates } from '../events/custom-event.ts'
import { PxError } from '../px-error.ts'
import { accountKind, type Members, userKind } from '../subscription/audience.ts'
import type { PxState } from '../subscription/px-state.ts'
import { takeEvent } from '../subscription/take-event.ts'
import { queryEvents } from './event-query.ts'

export interface PxRequest {
  method: string
  /** Path segments after `/v1`, decoded. */
  path: readonly string[]
  query: URLSearchParams
  /** The parsed body. @throws {PxError} 400 */
  body(): unknown
}

export interface PxResponse {
  status: number
  body?: unknown
}

/**
 * Handles a request to the part of PX's REST API that a server-side sender uses.
 *
 * @throws {PxError} the error that PX would return
 */
export function handlePxRequest(state: PxState, request: PxRequest, nowMs: number): PxResponse {
  const [collection, ...rest] = request.path
  if (collection === 'events' && rest.length === 1 && rest[0] === 'custom') {
    return handleEvents(state, request, nowMs)
  }
  if (collection === 'admin') return handleAdmin(state, rest, request)
  if (collection === 'users' && rest[0] === 'denylist') return deny(state, rest, request)
  if ((collection === 'users' || collection === 'accounts') && rest.length <= 1) {
    return handleMembers(state, collection, rest[0], request, nowMs)
  }
  throw new PxError(404, 'No such path')
}

function notSupported(method: string): PxError {
  return new PxError(405, `Request method '${method}' not supported`)
}

function handleEvents(state: PxState, { method, query, body }: PxRequest, nowMs: number): PxResponse {
  const { switches, events } = state
  if (method === 'GET') {
    const visible = events.reveal(nowMs - switches.visibilityLagMs)
    const found = queryEvents(events, query, { nowMs, visible, switches })
    if (switches.isoDates === 'epoch') found.customEvents = found.customEvents.map(withEpochDates)
    return { status: 200, body: found }
  }
  if (method !== 'POST') throw notSupported(method)
  const event = takeEvent(state, body(), nowMs)
  switch (switches.createdBody) {
    case 'json':
      return { status: 201, body: event ?? {} }
    case 'text':
      return { status: 201, body: 'Created' }
    default:
      return { status: 201 }
  }
}

/** Returns the subscription and the declared attributes. */
function handleAdmin(state: PxState, path: string[], { method }: PxRequest): PxResponse {
  if (method !== 'GET') throw notSupported(method)
  switch (path.join('/')) {
    case 'subscription':
      return { status: 200, body: subscription(state) }
    case 'model/user/attributes':
      return { status: 200, body: state.model.list('user') }
    case 'model/account/attributes':
      return { status: 200, body: state.model.list('account') }
    default:
      throw new PxError(404, 'No such path')
  }
}

function subscription({ timeZone, productKey }: PxState) {
  const productKeys = [{ channel: 'WEB_APP', productKey, url: '' }]
  const products = [{ name: 'Emulated product', productKeys }]
  return { id: 'emulator', name: 'PX emulator', timeZone, website: '', products }
}

function deny(state: PxState, [, id, ...more]: string[], { method, body }: PxRequest): PxResponse {
  if (method !== 'PUT' || id === undefined || more.length > 0) throw new PxError(404, 'No such path')
  state.deny(id, body() === true)
  return { status: 204 }
}

function handleMembers(
  state: PxState,
  collection: 'users' | 'accounts',
  id: string | undefined,
  { method, query, body }: PxRequest,
  nowMs: number,
): PxResponse {
  const members: Members = state[collection]
  const { idField } = collection === 'users' ? userKind : accountKind
  if (method === 'POST' && id === undefined) {
    members.create(body(), nowMs)
    return { status: 201 }
  }
  if (method === 'GET' && id === undefined) {
    const { members: page, ...rest } = members.page(query)
    return { status: 200, body: { [collection]: page, ...rest } }
  }
  if (method === 'GET' && id !== undefined) return { status: 200, body: members.get(id) }
  if (method === 'PUT' && id !== undefined) {
    // An id that does not fit in a path is sent in the body, to /update.
    const given = fields(body())
    members.update(id === 'update' ? String(given[idField]) : id, given)
    return { status: 204 }
  }
  if (method === 'DELETE' && id !== undefined) {
    const given = id === 'delete' ? fields(body()) : {}
    const hard = String(given.hardDelete ?? query.get('hardDelete')) === 'true'
    remove(state, collection, id === 'delete' ? String(given[idField]) : id, hard, nowMs)
    return { status: state.switches.deletedStatus }
  }
  throw notSupported(method)
}

/** Removes a user, or an account with all its users. */
function remove(
  { users, accounts }: PxState,
  collection: 'users' | 'accounts',
  id: string,
  hard: boolean,
  nowMs: number,
): void {
  if (collection === 'users') {
    users.remove(id, hard, nowMs)
    return
  }
  accounts.remove(id, hard, nowMs)
  for (const { identifyId, accountId } of users.all()) {
    if (accountId === id) users.remove(identifyId as string, hard, nowMs)
  }
}
