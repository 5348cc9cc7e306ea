import { quoted, UsageError } from '../errors.ts'
import type { UsageDay } from '../model/series.ts'

/** The begin and end of a day. */
export interface DayBounds {
  /** The first millisecond of the day. */
  readonly startMs: number
  /** The first millisecond after the day. A day has 23, 24.5 or 25 hours when the zone changes its clocks. */
  readonly endMs: number
}

/** The calendar of one time zone. */
export interface UsageDays {
  readonly timeZone: string
  /** Returns the day of an instant. */
  of(epochMs: number): UsageDay
  /** Returns the begin and end of a day. */
  bounds(day: UsageDay): DayBounds
  before(day: UsageDay): UsageDay
  after(day: UsageDay): UsageDay
  /** Returns 12:00 of the day in the zone, or the middle of a day that has no 12:00. */
  noon(day: UsageDay): number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/**
 * Creates the calendar of an IANA time zone, from the zone data of the JavaScript engine (`Intl`).
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_TIME_ZONE_UNKNOWN`
 */
export function createUsageDays(timeZone: string): UsageDays {
  const format = dayFormat(timeZone)
  // `of()` runs for every call. While the day lasts, this cache makes it cost two comparisons.
  let cached: DayBounds & { day: UsageDay } = { day: '', startMs: 0, endMs: 0 }
  // `noon()` runs for every line of a day that closes, which is not the day of the calls. Without its own cache a line took 0.6 ms.
  let lastNoon: { readonly day: UsageDay; readonly atMs: number } | undefined

  function label(epochMs: number): UsageDay {
    const parts: Partial<Record<string, string>> = {}
    for (const { type, value } of format.formatToParts(epochMs)) parts[type] = value
    return `${(parts.year ?? '').padStart(4, '0')}-${parts.month}-${parts.day}`
  }

  /** Returns the first millisecond after `fromMs` on another day. No zone changes its date twice within 15 minutes. */
  function nextChange(fromMs: number, stepMs: number): number {
    const day = label(fromMs)
    let inside = fromMs
    while (label(inside + stepMs) === day) inside += stepMs
    let outside = inside + stepMs
    while (Math.abs(outside - inside) > 1) {
      const middle = Math.trunc((inside + outside) / 2)
      if (label(middle) === day) inside = middle
      else outside = middle
    }
    return stepMs > 0 ? outside : inside
  }

  function locate(epochMs: number): typeof cached {
    const startMs = nextChange(epochMs, -15 * minuteMs)
    return { day: label(epochMs), startMs, endMs: nextChange(epochMs, 15 * minuteMs) }
  }

  function find(day: UsageDay): typeof cached {
    if (cached.day === day) return cached
    const utcNoon = Date.parse(`${day}T12:00:00Z`)
    // Zones are between UTC-12 and UTC+14, so local noon is within 14 hours of noon in UTC.
    for (const offset of [0, -12 * hourMs, 12 * hourMs, -14 * hourMs, 14 * hourMs]) {
      if (label(utcNoon + offset) === day) return locate(utcNoon + offset)
    }
    throw new RangeError(`${quoted(day)} is not a day in ${timeZone}.`)
  }

  function dayOf(epochMs: number): UsageDay {
    if (epochMs < cached.startMs || epochMs >= cached.endMs) cached = locate(epochMs)
    return cached.day
  }

  return {
    timeZone,
    of: dayOf,
    before: (day) => dayOf(find(day).startMs - 1),
    after: (day) => dayOf(find(day).endMs),
    bounds(day) {
      const { startMs, endMs } = find(day)
      return { startMs, endMs }
    },
    noon(day) {
      if (lastNoon?.day !== day) lastNoon = { day, atMs: findNoon(day) }
      return lastNoon.atMs
    },
  }

  function findNoon(day: UsageDay): number {
    const { startMs, endMs } = find(day)
    for (let at = startMs; at < endMs; at += 15 * minuteMs) if (isNoon(at)) return at
    return Math.trunc((startMs + endMs) / 2)
  }

  function isNoon(epochMs: number): boolean {
    const parts: Partial<Record<string, string>> = {}
    for (const { type, value } of format.formatToParts(epochMs)) parts[type] = value
    return parts.hour === '12' && parts.minute === '00' && parts.second === '00'
  }
}

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-u-ca-iso8601', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch (cause) {
    throw new UsageError(
      'PXU_ERR_OPTIONS_TIME_ZONE_UNKNOWN',
      `The option timeZone is ${quoted(timeZone)}, which is not a time zone that this Node.js knows. Give an IANA name such as 'Europe/Berlin', or omit it for UTC.`,
      { cause },
    )
  }
}
