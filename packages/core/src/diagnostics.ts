import diagnosticsChannel from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import { type Clock, systemClock } from './clock.ts'
import { type Failure, UsageError, type UsageErrorCode, usageError } from './errors.ts'

const maxCauseLength = 300
const maxCauses = 3

/** What can be observed, by room and happening; the channel of one is `px-usage:<name>`. */
export type Happening =
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
  | 'delivery:unconfirmed'
  | 'delivery:rejected'
  | 'delivery:stopped'
  | 'delivery:looked-up'
  | 'delivery:refused'
  | 'delivery:missing'
  | 'delivery:attributes-read'

/** What belongs together is throttled together: by the code of a failure and its `kind`. */
export interface ReportOptions {
  /** What sets failures of one code apart, such as the reason or the file. Few kinds: each is reported on its own. */
  kind?: string | undefined
  /** How often it happened at once. @default 1 */
  times?: number | undefined
  /** Also a warning of the process if there is an `onError`: whoever starts the process has to mend it. @default false */
  alsoWarns?: boolean | undefined
}

/**
 * How the rooms make known what happens. Nothing here ever throws.
 *
 * Failures and warnings are throttled here and nowhere else: the first one of a code and kind is reported at once, one that
 * goes on again after a while, with the number of those between. So a room reports each time.
 */
export interface Diagnostics {
  /** Publishes on the channel `px-usage:<happening>`; `NODE_DEBUG=px-usage` prints it. */
  publish(happening: Happening, message: object): void
  /** Something to mend in the deployment: a warning of the process, at once and then at most once an hour. */
  warn(code: UsageErrorCode, message: string, kind?: string): void
  /**
   * Something failed that nothing awaits. The app's `onError` gets it at once and then at most once a minute. Without
   * `onError` it is a warning of the process, at once and then at most once an hour: no failure is silent.
   */
  report(failure: Failure, options?: ReportOptions): void
}

const reportEveryMs = 60_000
const warnEveryMs = 3_600_000
/** Beyond it the kinds of a code share one: what the app gives must not fill the memory. */
const maxKinds = 1_000

const debug = debuglog('px-usage')

export function createDiagnostics(
  onError?: (error: UsageError) => unknown,
  clock: Pick<Clock, 'elapsed'> = systemClock,
): Diagnostics {
  const due = createThrottle(clock)

  /** A broken `onError` must neither reach the app nor make a failure silent. */
  function giveTo(onError: (error: UsageError) => unknown, error: UsageError): void {
    const onFailure = (thrown: unknown) => {
      debug('onError failed: %s', thrown)
      print(error)
    }
    try {
      const returned = onError(error)
      if (returned instanceof Promise) returned.catch(onFailure)
    } catch (thrown) {
      onFailure(thrown)
    }
  }

  return {
    publish(happening, message) {
      const channel = diagnosticsChannel.channel(`px-usage:${happening}`)
      if (channel.hasSubscribers) channel.publish(message)
      if (debug.enabled) debug('%s %o', happening, message)
    },

    warn(code, message, kind = '') {
      const more = due(code, kind, 1, warnEveryMs)
      if (more !== undefined) emitWarning(`${message}${more}`, { code })
    },

    report(failure, { kind = '', times = 1, alsoWarns = false } = {}) {
      if (debug.enabled) debug('%s', failure.message)
      if (onError !== undefined) {
        const more = due(failure.code, kind, times, reportEveryMs)
        if (more !== undefined) giveTo(onError, usageError(failure, more))
      }
      if (onError !== undefined && !alsoWarns) return
      const more = due(failure.code, `${kind} (warning)`, times, warnEveryMs)
      if (more !== undefined) print(usageError(failure, more))
    },
  }
}

function print(error: UsageError): void {
  const detail = causeText(error)
  emitWarning(error.message, { code: error.code, ...(detail === undefined ? {} : { detail }) })
}

/** An app may have put a function of its own in its place. */
function emitWarning(message: string, options: { code: string; detail?: string }): void {
  try {
    process.emitWarning(message, { type: 'PxUsageWarning', ...options })
  } catch (error) {
    debug('emitWarning failed: %s', error)
  }
}

/** @returns what to add to a message about those that were not reported; `undefined` when it is not to be reported now */
function createThrottle(clock: Pick<Clock, 'elapsed'>) {
  const kinds = new Map<string, { reportedAtMs: number; unreported: number }>()
  return (code: string, kind: string, times: number, everyMs: number): string | undefined => {
    const own = `${code} ${kind}`
    const key = kinds.has(own) || kinds.size < maxKinds ? own : code
    const last = kinds.get(key)
    const nowMs = clock.elapsed()
    if (last === undefined) {
      kinds.set(key, { reportedAtMs: nowMs, unreported: 0 })
      return times === 1 ? '' : ` (${times} times.)`
    }
    last.unreported += times
    if (nowMs - last.reportedAtMs < everyMs) return undefined
    const others = last.unreported - 1
    last.reportedAtMs = nowMs
    last.unreported = 0
    return others === 0 ? '' : ` (${others} more since the last report.)`
  }
}

/**
 * What an error was caused by, a line for each cause with the place in the app where it was thrown: for those who have only
 * the text. A cause that the message quotes is left out. `undefined` if there is nothing to add.
 */
function causeText({ message, cause }: { message: string; cause?: unknown }): string | undefined {
  const lines: string[] = []
  try {
    let error = cause
    for (let depth = 0; error !== undefined && error !== null && depth < maxCauses; depth++) {
      const own = messageOf(error)
      if (own === '' || !message.includes(own)) {
        const name = error instanceof Error ? `${error.name}: ` : ''
        lines.push(`Cause: ${oneLine(name + own)}${placeOf(error)}`)
      }
      error = (error as { cause?: unknown }).cause
    }
  } catch {
    lines.push('Cause: an error that cannot be read.')
  }
  return lines.length === 0 ? undefined : lines.join('\n')
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // The error of all addresses that were tried has its message in its parts (Node.js docs, `autoSelectFamily`).
  const [first] = error instanceof AggregateError && error.message === '' ? error.errors : []
  return first instanceof Error ? first.message : error.message
}

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > maxCauseLength ? `${line.slice(0, maxCauseLength - 3)}...` : line
}

/** Frames of Node and of px-usage say nothing to the app. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error && !(error instanceof UsageError) ? error.stack : undefined
  const frame = typeof stack === 'string' ? /^ +at .*$/m.exec(stack)?.[0].trim() : undefined
  return frame === undefined || /node:|@px-usage/.test(frame) ? '' : ` (${oneLine(frame)})`
}
