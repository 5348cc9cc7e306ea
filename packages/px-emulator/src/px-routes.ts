import { accountKind, createMembers, type Members, userKind } from './audience.ts'
import { type CustomEvent, customEvent, fields } from './custom-event.ts'
import { queryEvents } from './event-query.ts'
import { PxError } from './px-error.ts'

export interface PxRequest {
  method: string
  /** Path segments after `/v1`, decoded. */
  path: readonly string[]
  query: URLSearchParams
  body(): unknown
}

export interface PxAnswer {
  status: number
  body?: object
}

export interface PxState {
  readonly events: CustomEvent[]
  readonly users: Members
  readonly accounts: Members
}

export function createPxState(): PxState {
  return { events: [], users: createMembers(userKind), accounts: createMembers(accountKind) }
}

/**
 * The part of PX's REST API that a server-side sender meets.
 *
 * @throws {PxError} what PX would answer instead
 */
export function answerPx(state: PxState, request: PxRequest, nowMs: number): PxAnswer {
  const [collection, rest] = [request.path[0], request.path.slice(1)]
  if (collection === 'events' && rest.length === 1 && rest[0] === 'custom')
    return answerEvents(state, request, nowMs)
  if (collection === 'users') return answerMembers(state.users, 'users', userKind.idField, rest, request)
  if (collection === 'accounts')
    return answerMembers(state.accounts, 'accounts', accountKind.idField, rest, request)
  throw new PxError(404, 'No such path')
}

function answerEvents(state: PxState, { method, query, body }: PxRequest, nowMs: number): PxAnswer {
  if (method === 'GET') return { status: 200, body: queryEvents(state.events, query, nowMs) }
  if (method !== 'POST') throw new PxError(405, `Request method '${method}' not supported`)
  state.events.push(customEvent(body(), nowMs))
  return { status: 201 }
}

function answerMembers(
  members: Members,
  name: string,
  idField: string,
  [id, ...more]: string[],
  { method, body }: PxRequest,
): PxAnswer {
  if (more.length > 0) throw new PxError(404, 'No such path')
  if (id === undefined) {
    if (method === 'GET')
      return {
        status: 200,
        body: { [name]: members.list(), totalHits: members.list().length, scrollId: null },
      }
    if (method !== 'POST') throw new PxError(405, `Request method '${method}' not supported`)
    members.create(body())
    return { status: 201 }
  }
  if (method === 'GET') return { status: 200, body: members.get(id) }
  if (method === 'PUT') {
    // An id that does not fit in a path comes in the body, to /update.
    const given = fields(body())
    members.update(id === 'update' ? String(given[idField]) : id, given)
    return { status: 204 }
  }
  if (method === 'DELETE') {
    members.remove(id)
    return { status: 204 }
  }
  throw new PxError(405, `Request method '${method}' not supported`)
}
