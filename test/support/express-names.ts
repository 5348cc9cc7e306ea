import type { FinishedCall } from '@px-usage/core'
import { pxUsage } from '@px-usage/express'
import express, { type Express, type RequestHandler } from 'express'
import { vi } from 'vitest'
import { send, startServer } from './http-client.ts'
import { recordingMeter } from './recording-meter.ts'

export type Names = Record<string, string | undefined>

/** The middleware with a meter that remembers its calls. */
export function recordingUsage(): { usage: RequestHandler; calls: FinishedCall[] } {
  const { meter, calls } = recordingMeter()
  const usage = pxUsage({ meter, identify: () => null, ignore: [] }) as unknown as RequestHandler
  return { usage, calls }
}

/** An app whose calls are counted, and their names by request: the method (or `GET`) and the path. */
export async function expressNames(
  build: (app: Express) => void,
  requests: readonly string[],
): Promise<Names> {
  const { usage, calls } = recordingUsage()
  const app = express().set('env', 'test').use(usage)
  build(app)
  return namesOf(app, calls, requests)
}

/** Sends the requests one after the other and returns the route of each, as the meter got it. A known route has the same name again. */
export async function namesOf(
  app: Express,
  calls: readonly FinishedCall[],
  requests: readonly string[],
): Promise<Names> {
  const server = await startServer(app)
  const names: Names = {}
  const nameOf = async (request: string) => {
    const [method = '', path = ''] = request.startsWith('/') ? ['GET', request] : request.split(' ')
    const before = calls.length
    await send(server.url, { method, path })
    await vi.waitUntil(() => calls.length > before, { interval: 1 })
    return calls[before]?.route
  }
  for (const request of requests) names[request] = await nameOf(request)
  for (const request of requests) {
    const again = await nameOf(request)
    if (again !== names[request]) throw new Error(`${request} is ${names[request]}, then ${again}`)
  }
  await server.close()
  return names
}

/** The router of an app, and what is in it. */
export function routerOf(app: Express): { stack: unknown[] } {
  // Express 4 throws where Express 5 keeps it.
  const key = 'lazyrouter' in app ? '_router' : 'router'
  return (app as unknown as Record<string, { stack: unknown[] }>)[key] as { stack: unknown[] }
}
