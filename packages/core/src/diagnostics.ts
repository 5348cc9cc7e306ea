import diagnosticsChannel from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { UsageError, UsageErrorCode } from './errors.ts'

/** What can be observed, by room and happening; the channel of one is `px-usage:<name>`. */
type Happening =
  | 'attribution:failed'
  | 'counting:overflow'
  | 'counting:refused'
  | 'store:recovered'
  | 'store:degraded'
  | 'store:quarantined'
  | 'day:closed'
  | 'day:clock-step'
  | 'day:missed'
  | 'delivery:delivered'
  | 'delivery:retrying'
  | 'delivery:unknown'
  | 'delivery:rejected'
  | 'delivery:stopped'
  | 'delivery:looked-up'
  | 'delivery:duplicate'
  | 'delivery:refused'
  | 'delivery:missing'
  | 'delivery:attributes-read'

/** How the rooms tell what happens. Costs nothing when nobody listens; nothing here ever throws. */
export interface Diagnostics {
  /** Publishes on the channel `px-usage:<happening>`; `NODE_DEBUG=px-usage` prints it. */
  publish(happening: Happening, message: object): void
  /** A mistake of the deployment: `process.emitWarning`, once per code and reason for each meter. */
  warn(code: UsageErrorCode, message: string, reason?: string): void
  /** Something failed that nobody awaits: given to the app's `onError`. */
  error(error: UsageError): void
}

const debug = debuglog('px-usage')

export function createDiagnostics(onError?: (error: UsageError) => void): Diagnostics {
  const warned = new Set<string>()
  return {
    publish(happening, message) {
      const channel = diagnosticsChannel.channel(`px-usage:${happening}`)
      if (channel.hasSubscribers) channel.publish(message)
      if (debug.enabled) debug('%s %o', happening, message)
    },
    warn(code, message, reason = '') {
      const mistake = `${code} ${reason}`
      if (warned.has(mistake)) return
      warned.add(mistake)
      process.emitWarning(message, { type: 'PxUsageWarning', code })
    },
    error(error) {
      if (debug.enabled) debug('%s', error.message)
      try {
        onError?.(error)
      } catch (thrown) {
        debug('onError threw: %s', thrown)
      }
    },
  }
}
