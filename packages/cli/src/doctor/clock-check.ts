import { type Check, failure, ok, unknown, warning } from './check.ts'

export const clockName = 'clock'

/** `Date` has whole seconds, and the response takes its time. */
const exactMs = 5_000
/** The default of `graceMs`: a clock that is further off closes a day before it is over. */
const graceMs = 900_000

/** The times of a request by the clock of this machine, and the `Date` of its response. */
export interface ClockReading {
  readonly sentMs: number
  readonly receivedMs: number
  readonly dateMs: number | undefined
}

/** Compares the clock of this machine with the `Date` of a response of PX. */
export function checkClock({ sentMs, receivedMs, dateMs }: ClockReading): Check {
  if (dateMs === undefined) return unknown(clockName, 'the response of PX has no Date')
  // The time at which PX wrote the header lies between both, so only what is outside is an error of the clock.
  const skewMs = sentMs > dateMs + 1_000 ? sentMs - (dateMs + 1_000) : Math.min(0, receivedMs - dateMs)
  const amount = durationText(Math.abs(skewMs))
  if (Math.abs(skewMs) <= exactMs) return ok(clockName, 'The clock agrees with that of PX.')
  const found = `The clock is ${amount} ${skewMs > 0 ? 'ahead of' : 'behind'} that of PX.`
  const cure = 'Start a time service (chrony, systemd-timesyncd) on this machine.'
  if (Math.abs(skewMs) < graceMs)
    return warning(clockName, `${found} Calls near midnight count into the wrong day.`, cure)
  return failure(
    clockName,
    `${found} Days close at the wrong time, and calls count into the wrong day.`,
    cure,
  )
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`
}
