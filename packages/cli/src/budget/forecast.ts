/** The events of a day. `day` counts days from any start; its remainder by 7 is the day of the week. */
export interface DayCount {
  readonly day: number
  readonly events: number
}

/** A function that returns the expected events of a day. */
export type Forecast = (day: number) => number

/** Fewer days show no rhythm of weeks. */
const leastForWeek = 15
/** The newest days, which judge how events grow. */
const judgedDays = 14
/** Days that the trend is fitted to; older growth says little about the next month. */
const fittedDays = 60
/** A day of a later week weighs this many times a day of the week before. */
const weightPerWeek = 1.15
/** A shape is chosen alone if its error is this small a part of the other one's. */
const clearlyBetter = 0.5

/**
 * Forecasts the events of coming days: a rhythm of weeks on a trend. The trend is a line or a curve of constant growth, whichever would
 * have predicted the newest two weeks clearly better from the days before, and otherwise the mean of both.
 */
export function forecast(history: readonly DayCount[]): Forecast {
  const days = [...history].sort((a, b) => a.day - b.day).slice(-fittedDays)
  if (days.length === 0) return () => 0
  const earlier = days.slice(0, -judgedDays)
  const newest = days.slice(-judgedDays)
  if (earlier.length < leastForWeek) return model(days, 'line')
  const errorOf = (shape: Shape) => {
    const predict = model(earlier, shape)
    return sumOf(newest.map(({ day, events }) => Math.abs(predict(day) - events)))
  }
  const errors = { line: errorOf('line'), curve: errorOf('curve') }
  if (errors.curve < errors.line * clearlyBetter) return model(days, 'curve')
  if (errors.line < errors.curve * clearlyBetter) return model(days, 'line')
  const [line, curve] = [model(days, 'line'), model(days, 'curve')]
  return (day) => (line(day) + curve(day)) / 2
}

type Shape = 'line' | 'curve'

function model(days: readonly DayCount[], shape: Shape): Forecast {
  let rhythm: readonly number[] = [1, 1, 1, 1, 1, 1, 1]
  let trend = fit(days, rhythm, shape)
  // The rhythm depends on the trend and the trend on the rhythm, so each is found again with the other.
  for (let round = 0; round < 3 && days.length >= leastForWeek; round++) {
    rhythm = rhythmOf(days, trend)
    trend = fit(days, rhythm, shape)
  }
  return (day) => Math.max(0, trend(day) * weekday(rhythm, day))
}

/** How each day of the week compares with the mean day, which is 1. */
function rhythmOf(days: readonly DayCount[], trend: Forecast): number[] {
  const ratios: number[][] = [[], [], [], [], [], [], []]
  for (const { day, events } of days) {
    const expected = trend(day)
    if (expected > 0) ratios[((day % 7) + 7) % 7]?.push(events / expected)
  }
  const factors = ratios.map((of) => (of.length === 0 ? 1 : median(of)))
  const mean = sumOf(factors) / 7
  return factors.map((factor) => (mean === 0 ? 1 : factor / mean))
}

/** Fits the trend by weighted least squares to the counts without the rhythm, for a curve to their logarithms. */
function fit(days: readonly DayCount[], rhythm: readonly number[], shape: Shape): Forecast {
  const last = days.at(-1)?.day ?? 0
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0]
  for (const { day, events } of days) {
    const factor = weekday(rhythm, day)
    const level = factor > 0 ? events / factor : 0
    if (factor === 0 || (shape === 'curve' && level <= 0)) continue
    const y = shape === 'curve' ? Math.log(level) : level
    // The logarithm gives days of small counts too much weight, which their size takes back.
    const weight = weightPerWeek ** ((day - last) / 7) * (shape === 'curve' ? level : 1)
    const x = day - last
    w += weight
    wx += weight * x
    wy += weight * y
    wxx += weight * x * x
    wxy += weight * x * y
  }
  const spread = w * wxx - wx * wx
  const slope = w === 0 || Math.abs(spread) < 1e-9 * w * w ? 0 : (w * wxy - wx * wy) / spread
  const start = w === 0 ? 0 : (wy - slope * wx) / w
  const at = (day: number) => start + slope * (day - last)
  return shape === 'curve' ? (day) => Math.exp(at(day)) : at
}

function weekday(rhythm: readonly number[], day: number): number {
  return rhythm[((day % 7) + 7) % 7] ?? 1
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
