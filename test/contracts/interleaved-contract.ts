import type { RequestListener } from 'node:http'
import type { FinishedCall, Meter } from '@px-usage/core'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'

/** Mounts and routes that are easily taken for each other; together they are forty endpoints and more. */
export const confusable = {
  mounts: [
    '/user',
    '/users',
    '/v1/users/:user',
    '/v1/user/:tenant',
    '/v2/:tenant/users',
    '/v2/:tenant/user/:user',
  ],
  routes: ['/', '/me', '/me/:id', '/items/:id', '/:id/items', '/users/:id/items', '/:id', '/:id/:other'],
} as const

const requests = 10_000
const inFlight = 64

/** What a value of a parameter can be: fixed segments, other values, templates, expressions, anything in percent signs. */
const value = fc.oneof(
  fc.constantFrom(
    'me',
    'user',
    'users',
    'items',
    'v1',
    '1',
    '11',
    ':id',
    '$1',
    '$&',
    '.*',
    '(x)',
    '%2F',
    '%F0%9F%98%80',
  ),
  fc
    .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
    .map((text) => encodeURIComponent(text.toWellFormed())),
)

const request = fc
  .tuple(
    fc.constantFrom(...confusable.mounts),
    fc.constantFrom(...confusable.routes),
    fc.array(value, { minLength: 4, maxLength: 4 }),
  )
  .map(([mount, route, values]) => {
    let next = 0
    return `${mount}${route}`.replace(/:\w+/g, () => values[next++] as string).replace(/(.)\/$/, '$1')
  })

/**
 * Names do not depend on other requests in flight: handlers that take their time, on paths that are easily confused, and
 * every single name compared with what the handler knows of itself.
 */
export function interleavedContract(
  createApp: (meter: Meter, respond: (template: string) => Promise<string>) => RequestListener,
): void {
  it(`${requests.toLocaleString('en')} interleaved requests to similar routes have no wrong name`, async () => {
    const named = new Map<string, string | undefined>()
    const meter = {
      record: ({ identity, route }: FinishedCall) =>
        void named.set((identity as { userId: string }).userId, route),
      ignore() {},
    } as unknown as Meter
    let turn = 0
    const server = await startServer(
      createApp(meter, async (template) => {
        // Handlers end in another order than they began.
        for (let waits = (turn++ * 7) % 5; waits > 0; waits--)
          await new Promise((resolve) => setImmediate(resolve))
        return template
      }),
    )
    const seed = Math.trunc(Math.random() * 2 ** 31)
    const paths = fc.sample(request, { numRuns: requests, seed })
    const wrong: unknown[] = []
    let sent = 0
    const worker = async () => {
      for (let id = sent++; id < requests; id = sent++) {
        const { body } = await send(`${server.url}${paths[id]}`, { headers: { 'x-id': String(id) } })
        await vi.waitUntil(() => named.has(String(id)), { interval: 1 })
        const name = named.get(String(id)) ?? '(none)'
        if (name !== body) wrong.push({ path: paths[id], name, truth: body })
      }
    }
    await Promise.all(Array.from({ length: inFlight }, worker))
    await server.close()
    expect(wrong.slice(0, 10), `seed ${seed}`).toEqual([])
    expect(new Set(named.values()).size).toBeGreaterThanOrEqual(40)
  }, 120_000)
}
