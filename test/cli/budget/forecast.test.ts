import { describe, expect, it } from 'vitest'
import { forecast } from '../../../packages/cli/src/budget/forecast.ts'

/** A generator of numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const week = [1.1, 1.15, 1.2, 1.1, 1, 0.4, 0.35]
const weekday = (day: number) => week[day % 7] ?? 1

/** Users that sign up, 40 a day at first and more each week; each calls on most days. */
function signUps(next: () => number): (day: number) => number {
  const users: number[] = []
  let all = 3_000
  for (let day = 0; day < 120; day++) {
    all += Math.round((40 + day / 7) * (0.7 + 0.6 * next()))
    users.push(all)
  }
  return (day) => (users[day] ?? 0) * 0.7 * weekday(day)
}

const shapes: ReadonlyArray<readonly [string, (next: () => number) => (day: number) => number]> = [
  ['a constant number', () => () => 20_000],
  ['a line', () => (day) => 10_000 + 150 * day],
  ['a line down', () => (day) => 30_000 - 120 * day],
  ['a rhythm of weeks', () => (day) => 20_000 * weekday(day)],
  ['a line with a rhythm of weeks', () => (day) => (8_000 + 200 * day) * weekday(day)],
  ['constant growth of 2 % a day', () => (day) => 2_000 * 1.02 ** day],
  ['growth of 1 % a day with a rhythm of weeks', () => (day) => 5_000 * 1.01 ** day * weekday(day)],
  ['sign-ups', signUps],
  ['a service with quiet weekends', () => (day) => (day % 7 >= 5 ? 0 : 9_000 + 60 * day)],
]

describe('the forecast of 30 days from 60 is within 5 %:', () => {
  it.each(shapes)('%s', (_, shape) => {
    for (let seed = 1; seed <= 10; seed++) {
      const next = random(seed)
      const eventsOf = shape(next)
      const noisy = (day: number) => Math.round(eventsOf(day) * (0.97 + 0.06 * next()))
      const history = Array.from({ length: 60 }, (_, day) => ({ day, events: noisy(day) }))
      const predict = forecast(history)
      let [expected, actual] = [0, 0]
      for (let day = 60; day < 90; day++) {
        expected += predict(day)
        actual += eventsOf(day)
      }
      expect(Math.abs(expected / actual - 1)).toBeLessThan(0.05)
    }
  })

  it('a day without events, as of an outage, hardly changes it', () => {
    const history = Array.from({ length: 60 }, (_, day) => ({
      day,
      events: day === 40 ? 0 : 1_000 * weekday(day),
    }))
    const predict = forecast(history)
    let sum = 0
    for (let day = 60; day < 88; day++) sum += predict(day)
    expect(Math.abs(sum / 25_200 - 1)).toBeLessThan(0.05)
  })
})

describe('with few days', () => {
  it('none forecast nothing, one day its own number, two a line that never goes below zero', () => {
    expect(forecast([])(5)).toBe(0)
    expect(forecast([{ day: 3, events: 7 }])(10)).toBe(7)
    expect(
      Math.round(
        forecast([
          { day: 0, events: 30 },
          { day: 1, events: 20 },
        ])(2),
      ),
    ).toBe(10)
    expect(
      forecast([
        { day: 0, events: 30 },
        { day: 1, events: 20 },
      ])(30),
    ).toBe(0)
  })
})
