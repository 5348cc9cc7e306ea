import { PxError } from '../px-error.ts'
import type { Switches } from '../switches.ts'

export interface RateLimiter {
  /** Counts a request. @throws {PxError} 429 above a limit */
  take(caller: Caller, nowMs: number): void
  reset(): void
}

interface Caller {
  key: string
  /** IP address. */
  address: string
}

interface Allowance {
  /** Number of requests that are allowed at once. It grows with time. */
  tokens: number
  filledMs: number
  day: number
  usedToday: number
}

const dayMs = 86_400_000
const hourMs = 3_600_000

/**
 * Limits requests to about 200 a second and a million a day (PX support, "Work with the PX REST API"). After a quiet time, the
 * requests of one second may come at once. A refused request does not count.
 */
export function createRateLimiter(switches: Readonly<Switches>): RateLimiter {
  const allowances = new Map<string, Allowance>()

  return {
    take(caller, nowMs) {
      const { requestsPerSecond: perSecond, requestsPerDay: perDay } = switches
      const scope = switches.rateLimitScope === 'subscription' ? '' : caller[switches.rateLimitScope]
      const day = Math.floor((nowMs - switches.quotaResetHour * hourMs) / dayMs)
      const known = allowances.get(scope) ?? { tokens: Infinity, filledMs: nowMs, day, usedToday: 0 }
      allowances.set(scope, known)
      if (perSecond !== null) {
        const grown = known.tokens + (Math.max(0, nowMs - known.filledMs) / 1_000) * perSecond
        known.tokens = Math.min(perSecond, grown)
      }
      known.filledMs = nowMs
      if (known.day !== day) Object.assign(known, { day, usedToday: 0 })
      if (perSecond !== null && known.tokens < 1) throw new PxError(429, 'Too many requests a second')
      if (perDay !== null && known.usedToday >= perDay) throw new PxError(429, 'Too many requests a day')
      known.tokens -= 1
      known.usedToday += 1
    },
    reset: () => allowances.clear(),
  }
}
