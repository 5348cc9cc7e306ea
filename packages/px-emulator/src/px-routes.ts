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
  readonly productKey: string
  readonly events: CustomEvent[]
  readonly users: Members
  readonly accounts: Members
  /** Users whose events are taken and thrown away. */
  readonly denied: Set<string>
}

export function createPxState(productKey: string): PxState {
  return {
    productKey,
    events: [],
    users: createMembers(userKind),
    accounts: createMembers(accountKind),
    denied: new Set(),
  }
}

export function resetPxState({ events, users, accounts, denied }: PxState): void {
  events.length = 0
  for (const known of [users, accounts, denied]) known.clear()
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
  if (collection === 'admin') return answerAdmin(state, rest, request)
  if (collection === 'users' && rest[0] === 'denylist') return deny(state, rest, request)
  if (collection === 'users') return answerMembers(state.users, 'users', userKind.idField, rest, request)
  if (collection === 'accounts')
    return answerMembers(state.accounts, 'accounts', accountKind.idField, rest, request)
  throw new PxError(404, 'No such path')
}

function answerEvents(state: PxState, { method, query, body }: PxRequest, nowMs: number): PxAnswer {
  if (method === 'GET') return { status: 200, body: queryEvents(state.events, query, nowMs) }
  if (method !== 'POST') throw new PxError(405, `Request method '${method}' not supported`)
  const event = customEvent(body(), nowMs)
  if (!state.denied.has(event.identifyId)) state.events.push(event)
  return { status: 201 }
}

/** What a sender can learn of the subscription. The attributes are those in use: PX would list the declared ones. */
function answerAdmin(state: PxState, path: string[], { method }: PxRequest): PxAnswer {
  if (method !== 'GET') throw new PxError(405, `Request method '${method}' not supported`)
  switch (path.join('/')) {
    case 'subscription':
      return {
        status: 200,
        body: {
          id: 'emulator',
          name: 'PX emulator',
          timeZone: 'UTC',
          website: '',
          products: [
            {
              name: 'Emulated product',
              productKeys: [{ channel: 'WEB_APP', productKey: state.productKey, url: '' }],
            },
          ],
        },
      }
    case 'model/user/attributes':
      return { status: 200, body: state.users.attributes() }
    case 'model/account/attributes':
      return { status: 200, body: state.accounts.attributes() }
    default:
      throw new PxError(404, 'No such path')
  }
}

function deny({ denied }: PxState, [, id, ...more]: string[], { method, body }: PxRequest): PxAnswer {
  if (method !== 'PUT' || id === undefined || more.length > 0) throw new PxError(404, 'No such path')
  if (body() === true) denied.add(id)
  else denied.delete(id)
  return { status: 204 }
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
    members.remove(id === 'delete' ? String(fields(body())[idField]) : id)
    return { status: 204 }
  }
  throw new PxError(405, `Request method '${method}' not supported`)
}
