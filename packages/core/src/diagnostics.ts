import diagnosticsChannel from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import { type Clock, systemClock } from './clock.ts'
import { type Failure, UsageError, type UsageErrorCode, usageError } from './errors.ts'

const maxCauseLength = 300
const maxCauses = 3

/** The names of what can be observed, as `<room>:<event>`. The channel of each is `px-usage:<name>`. */
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
  | 'delivery:skipped'
  | 'delivery:retrying'
  | 'delivery:unconfirmed'
  | 'delivery:rejected'
  | 'delivery:stopped'
  | 'delivery:looked-up'
  | 'delivery:refused'
  | 'delivery:missing'
  | 'delivery:attributes-read'

/** How a failure is reported. Failures with the same code and `kind` are throttled together. */
export interface ReportOptions {
  /** Distinguishes failures of one code, such as by reason or file. Use few kinds, because each one is reported separately. */
  kind?: string | undefined
  /** The number of failures in this report. @default 1 */
  times?: number | undefined
  /** Whether to emit a process warning even if there is an `onError`, because the operator has to act. @default false */
  alsoWarns?: boolean | undefined
}

/**
 * Publishes and reports what happens in the rooms. No method throws.
 *
 * Only this file throttles failures and warnings, so a room reports each one. The first of a code and kind is reported at once. While
 * it lasts it is reported again after a while, with the number of those in between.
 */
export interface Diagnostics {
  /** Publishes on the channel `px-usage:<happening>`; `NODE_DEBUG=px-usage` prints it. */
  publish(happening: Happening, message: object): void
  /** Emits a process warning about something that the operator should fix, at once and then at most once an hour. */
  warn(code: UsageErrorCode, message: string, kind?: string): void
  /**
   * Reports a failure that no caller awaits. The app's `onError` receives it at once and then at most once a minute. Without
   * `onError` the process emits a warning, at once and then at most once an hour, so that no failure is silent.
   */
  report(failure: Failure, options?: ReportOptions): void
}

const reportEveryMs = 60_000
const warnEveryMs = 3_600_000
/** The most kinds. Further kinds of a code share one, because kinds that come from the app's values could fill the memory. */
const maxKinds = 1_000

const debug = debuglog('px-usage')

/** Creates the diagnostics of a meter. */
export function createDiagnostics(
  onError?: (error: UsageError) => unknown,
  clock: Pick<Clock, 'elapsed'> = systemClock,
): Diagnostics {
  const due = createThrottle(clock)

  /** Calls `onError`. If it throws or rejects, the failure is printed, so that it is neither silent nor an error of the app. */
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

/** Emits a process warning. It catches errors, because an app may have replaced `process.emitWarning`. */
function emitWarning(message: string, options: { code: string; detail?: string }): void {
  try {
    process.emitWarning(message, { type: 'PxUsageWarning', ...options })
  } catch (error) {
    debug('emitWarning failed: %s', error)
  }
}

/**
 * Creates the throttle. Its function returns the text to add to a message, about failures that were not reported, or `undefined` if the
 * message is not to be reported now.
 */
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
 * Remembers which subjects (files, journals, members) were reported, for a report that each subject needs once in the life of a process.
 * Failures that may last or come back are throttled by `Diagnostics` instead.
 */
export class ReportedSubjects {
  readonly #subjects = new Set<string>()
  readonly #max: number

  /** @param max the most subjects to remember, if they come from the app's values and could fill the memory */
  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max
  }

  has(subject: string): boolean {
    return this.#subjects.has(subject)
  }

  /** Adds a subject. @returns whether it was new; a subject beyond `max` is not remembered, and is new each time */
  add(subject: string): boolean {
    if (this.#subjects.has(subject)) return false
    if (this.#subjects.size < this.#max) this.#subjects.add(subject)
    return true
  }
}

/**
 * Describes the causes of an error, each on one line with the place in the app where it was thrown, because a log has only the text.
 * Causes that the message quotes already are omitted. Returns `undefined` if there is nothing to add.
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
  // When Node has tried several addresses, the error has an empty message and one error per address (Node.js docs, `autoSelectFamily`).
  const [first] = error instanceof AggregateError && error.message === '' ? error.errors : []
  return first instanceof Error ? first.message : error.message
}

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > maxCauseLength ? `${line.slice(0, maxCauseLength - 3)}...` : line
}

/** Returns the first stack frame of an error. Frames of Node and of px-usage are omitted, because they do not help the app. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error && !(error instanceof UsageError) ? error.stack : undefined
  const frame = typeof stack === 'string' ? /^ +at .*$/m.exec(stack)?.[0].trim() : undefined
  return frame === undefined || /node:|@px-usage/.test(frame) ? '' : ` (${oneLine(frame)})`
}
