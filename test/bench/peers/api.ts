/** What both apps serve: users and accounts, bodies of about 200 bytes, and the requests that the bench sends. */
export interface User {
  readonly id: string
  readonly orgId: string
}

const userCount = 1_000
const accountCount = 50
const requestCount = 8_192
const keyOf = (user: number) => `key_${String(user).padStart(24, '0')}`

export const usersByKey: ReadonlyMap<string, User> = new Map(
  Array.from({ length: userCount }, (_, at) => [
    keyOf(at),
    {
      id: `user_${String(at).padStart(16, '0')}`,
      orgId: `org_${String(at % accountCount).padStart(16, '0')}`,
    },
  ]),
)

export const unauthorized = { error: 'unauthorized' }
export const notFound = { error: 'not_found', message: 'There is no such user.', parameter: 'id' }

export const userBody = (id: string, { orgId }: User) => ({
  ...{ id, type: 'user', org: orgId, name: 'Grace Hopper', email: `grace.${id}@example.com` },
  ...{ plan: 'team', active: true, createdAt: '2025-01-31T08:15:00.000Z', seats: { used: 17, of: 250 } },
})

export const itemBody = (project: string, item: string, { id, orgId }: User) => ({
  ...{ id: item, type: 'item', project, org: orgId, title: 'Plan of the next release', state: 'draft' },
  ...{ labels: ['planning', 'release'], author: id, createdAt: '2025-01-31T08:15:00.000Z', revision: 3 },
})

export const orderBody = (order: { sku?: string; quantity?: number }, { id, orgId }: User) => ({
  ...{ id: 'order_51c7d2', type: 'order', org: orgId, by: id, sku: order.sku, quantity: order.quantity },
  ...{ currency: 'USD', total: (order.quantity ?? 0) * 1_250, createdAt: '2025-01-31T08:15:00.000Z' },
})

/** Numbers below `end` that are the same in every process, so that all cases serve the same requests. */
function createRandom(seed: number): (end: number) => number {
  let state = seed
  return (end) => {
    state = (state * 48_271) % 2_147_483_647
    return state % end
  }
}

export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
}

/** Of 100 requests 53 read a user, 20 post an order, 20 read an item, 5 find no user, and 2 have a wrong key. */
export function createRequests(): ApiRequest[] {
  const random = createRandom(20_261_130)
  return Array.from({ length: requestCount }, () => {
    const kind = random(100)
    const key = kind < 2 ? 'key_unknown' : keyOf(random(userCount))
    const headers = { host: 'localhost', 'x-api-key': key, accept: 'application/json', 'user-agent': 'bench' }
    if (kind < 55) return { method: 'GET', path: `/v1/users/${random(10_000)}`, headers }
    if (kind < 60) return { method: 'GET', path: '/v1/users/missing', headers }
    if (kind < 80) {
      const item = `/v1/projects/${random(100)}/items/${random(10_000)}`
      return { method: 'GET', path: item, headers }
    }
    const order = { sku: `SKU-${random(9_000)}`, quantity: 1 + random(9), note: 'Please ring twice.' }
    const body = JSON.stringify(order)
    const ofBody = { 'content-type': 'application/json', 'content-length': String(body.length) }
    return { method: 'POST', path: '/v1/orders', headers: { ...headers, ...ofBody }, body }
  })
}

export function toBytes({ method, path, headers, body = '' }: ApiRequest): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}
