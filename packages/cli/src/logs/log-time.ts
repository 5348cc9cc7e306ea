const months: ReadonlyMap<string, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, at) => [
    name,
    at,
  ]),
)
/** Length of `23/Nov/2026:10:00:00 +0000`. */
export const logTimeLength = 26
const hourLength = 'dd/Mon/yyyy:hh'.length
const layout = /^(\d\d)\/([A-Z][a-z][a-z])\/(\d{4}):(\d\d):\d\d:\d\d ([+-])(\d\d)(\d\d)$/

/** Reads the times of an access log. */
export interface LogTimes {
  /** Returns the time at a place of a text such as `23/Nov/2026:10:00:00 +0000`, epoch ms; NaN if there is none. */
  at(text: string, place: number): number
}

/**
 * Creates a reader of times. Lines of one hour and offset follow each other, so the hour is parsed once and the rest is four digits.
 */
export function createLogTimes(): LogTimes {
  let hour = ''
  let zone = ''
  let hourMs = Number.NaN
  return {
    at(text, place) {
      const isSame = text.startsWith(hour, place) && text.startsWith(zone, place + 20)
      if (!isSame || hour === '') {
        const given = text.slice(place, place + logTimeLength)
        hourMs = startOfHour(given)
        if (Number.isNaN(hourMs)) {
          hour = ''
          return Number.NaN
        }
        // Copies, because a part of a text keeps the whole text in memory.
        hour = Buffer.from(given.slice(0, hourLength)).toString()
        zone = Buffer.from(given.slice(20)).toString()
      }
      const minute = twoDigits(text, place + 15)
      const second = twoDigits(text, place + 18)
      const hasColons = text.charCodeAt(place + 14) === colon && text.charCodeAt(place + 17) === colon
      // A leap second is logged as 60.
      if (!hasColons || !(minute < 60) || !(second <= 60)) return Number.NaN
      return hourMs + (minute * 60 + second) * 1_000
    },
  }
}

const colon = 58
const zero = 48

/** Returns the number of two digits, NaN if they are none. */
function twoDigits(text: string, place: number): number {
  const tens = text.charCodeAt(place) - zero
  const ones = text.charCodeAt(place + 1) - zero
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function startOfHour(text: string): number {
  const [, day, monthName = '', year, hour, sign, zoneHours, zoneMinutes] = layout.exec(text) ?? []
  const month = months.get(monthName)
  if (month === undefined || Number(hour) > 23) return Number.NaN
  const startMs = Date.UTC(Number(year), month, Number(day), Number(hour))
  // 31/Feb would become a day of March.
  if (new Date(startMs).getUTCDate() !== Number(day)) return Number.NaN
  const offsetMinutes = Number(zoneHours) * 60 + Number(zoneMinutes)
  return startMs - (sign === '-' ? -1 : 1) * offsetMinutes * 60_000
}

const iso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/
/** Epoch seconds up to the year 5138 are below it, epoch milliseconds since 1973 are above it. */
const leastMs = 1e11

/** Returns the time in a field of a JSON log: ISO 8601 with a zone, epoch seconds, epoch ms, or as in other logs; NaN for others. */
export function timeOf(value: unknown): number {
  if (typeof value === 'number') return value >= leastMs ? Math.trunc(value) : Math.trunc(value * 1_000)
  if (typeof value !== 'string') return Number.NaN
  if (/^\d+(\.\d+)?$/.test(value)) return timeOf(Number(value))
  if (iso.test(value)) return Date.parse(value.replace(',', '.').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  return value.length === logTimeLength ? createLogTimes().at(value, 0) : Number.NaN
}
