import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import type { FinishedCall } from '@px-usage/core'
import { expect, onTestFinished, vi } from 'vitest'
import { type RunningServer, startServer } from '../../support/http-client.ts'
import { recordingMeter } from '../../support/recording-meter.ts'
import type { AdapterHarness, MountedUsage } from '../adapter-contract.ts'

type SeenCall = Pick<FinishedCall, 'method' | 'route' | 'statusCode' | 'aborted'>

export interface ObservedApp extends RunningServer {
  calls: FinishedCall[]
  /** The calls so far, once there are that many. */
  seen(count: number): Promise<SeenCall[]>
}

/** A server with the app of the harness under the middleware. It closes at the end of the test. */
export async function observedApp(
  { createApp }: AdapterHarness,
  handler?: RequestListener,
  usage: Partial<MountedUsage> & { around?: (app: RequestListener) => RequestListener } = {},
): Promise<ObservedApp> {
  const { meter, calls } = recordingMeter()
  const { around = (app: RequestListener) => app, ...options } = usage
  const running = await startServer(around(createApp({ meter, ...options }, handler)))
  onTestFinished(() => running.close())
  return {
    ...running,
    calls,
    async seen(count) {
      await vi.waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(count), { interval: 1 })
      return calls.map(({ method, route, statusCode, aborted }) => ({ method, route, statusCode, aborted }))
    },
  }
}

/** A body of 100 kB in pieces, each in a turn of its own. */
export function bodyStream(): Readable {
  let pieces = 0
  return new Readable({
    read() {
      setImmediate(() => this.push(pieces++ < 100 ? 'x'.repeat(1_000) : null))
    },
  })
}
