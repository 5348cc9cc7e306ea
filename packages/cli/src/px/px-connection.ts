import { UsageError } from '@px-usage/core'
import {
  createPxClient,
  type PxClient,
  type PxResponse,
  parseBaseUrl,
  regionUrl,
  systemClock,
} from '@px-usage/core/adapter'
import { usageError } from '../exit-codes.ts'
import type { Settings } from '../settings.ts'

/** Reads from PX, one request after the other. */
export interface PxConnection {
  readonly baseUrl: string
  /** Requests that were sent, repeated ones included. */
  readonly requests: number
  /** Sends a request, and repeats it while PX is busy or cannot be reached. It never rejects. */
  get(path: string): Promise<PxResponse>
  close(): Promise<void>
}

/** The longest list that is read in one page, as in the look-ups of core. */
const maxBodyBytes = 16 * 1024 * 1024
const timeoutMs = 30_000
/** How long a request that may succeed later waits before it is repeated. */
const retryDelaysMs = [1_000, 5_000, 30_000]

/**
 * Returns the address of PX by the settings. A region that was given as a flag is stronger than `PX_BASE_URL`.
 *
 * @throws {CommandError} with exit code 2 for an address or a region that does not exist
 */
export function pxAddress({ baseUrl, region, from }: Pick<Settings, 'baseUrl' | 'region' | 'from'>): string {
  const isRegionStronger = from.region?.startsWith('--') === true && from.baseUrl?.startsWith('--') !== true
  try {
    if (baseUrl !== undefined && !isRegionStronger) return parseBaseUrl(baseUrl)
    return regionUrl((region ?? 'us').toLowerCase())
  } catch (error) {
    if (error instanceof UsageError) throw usageError(error.message.replace(/ See https:\S+$/, ''))
    throw error
  }
}

/**
 * Connects with the settings of a command.
 *
 * @throws {CommandError} with exit code 2 if there is no key, or an address that does not exist
 */
export function connectToPx(settings: Settings): PxConnection {
  const { apiKey } = settings
  if (apiKey === undefined)
    throw usageError('There is no API key of PX. Set PX_API_KEY to one with the Read permission.')
  return connectPx({ baseUrl: pxAddress(settings), apiKey })
}

/** @param retry `false` returns the first response as it is */
export function connectPx(
  { baseUrl, apiKey, retry = true }: { baseUrl: string; apiKey: string; retry?: boolean },
  { client, wait = pause }: { client?: Pick<PxClient, 'request' | 'close'>; wait?: typeof pause } = {},
): PxConnection {
  const used =
    client ??
    createPxClient({ baseUrl, apiKey: () => apiKey, dispatcher: undefined, timeoutMs, clock: systemClock })
  let requests = 0
  return {
    baseUrl,
    get requests() {
      return requests
    },
    async get(path) {
      for (let attempt = 0; ; attempt++) {
        requests += 1
        const response = await used.request({ method: 'GET', path, maxBodyBytes })
        const delayMs = retry ? retryDelaysMs[attempt] : undefined
        if (delayMs === undefined || !isPassing(response)) return response
        await wait(Math.max(delayMs, waitOf(response)))
      }
    },
    close: () => used.close(),
  }
}

/** Whether the same request may succeed a moment later. */
function isPassing(response: PxResponse): boolean {
  if (response.received) return response.status === 429 || response.status >= 500
  const code = (response.error as { code?: unknown } | null)?.code
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' || code === 'EPIPE'
}

/** The wait that PX asks for, at most 60000 ms (1 minute). */
function waitOf(response: PxResponse): number {
  const seconds = Number(response.received ? (response.retryAfter ?? 0) : 0)
  return Number.isFinite(seconds) ? Math.min(seconds * 1_000, 60_000) : 0
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.setTimer(resolve, ms, true))
}
