import { setTimeout as sleep } from 'node:timers/promises'
import type { Emulator } from 'px-emulator'

const users = 12
const accounts = 3

/** Calls the API as random users, and compares what PX has for a day with what was called. */
export function createTruth(px: Emulator) {
  /** Number of calls by day and user, as the API reported the day. */
  const called = new Map<string, Map<string, number>>()

  const open = new Set<Promise<void>>()

  async function call(url: string): Promise<void> {
    const user = Math.floor(Math.random() * users)
    const headers = { 'x-user': `user-${user}`, 'x-account': `account-${user % accounts}` }
    const response = await fetch(`${url}/orders/${user * 31}`, { headers })
    const { day } = (await response.json()) as { day: string }
    const ofDay = called.get(day) ?? new Map<string, number>()
    called.set(day, ofDay.set(headers['x-user'], (ofDay.get(headers['x-user']) ?? 0) + 1))
  }

  return {
    async call(url: string): Promise<void> {
      const responded = call(url)
      open.add(responded)
      await responded.finally(() => open.delete(responded))
    },

    /** Waits until PX has the calls of a day, for 10 seconds at most. @returns `undefined` for a day without calls */
    async check(day: string): Promise<{ isRight: boolean; text: string } | undefined> {
      // Until its response is here, a call of that day is in PX only.
      await Promise.all(open)
      const expected = called.get(day)
      if (expected === undefined) return undefined
      const requests = [...expected.values()].reduce((sum, count) => sum + count, 0)
      const eventsOfDay = () =>
        px
          .events()
          .filter(({ eventName, attributes }) => eventName === 'dailyApiCalls' && attributes.day === day)
          .map(({ identifyId = '', attributes }) => ({
            user: identifyId,
            calls: Number(attributes.apiCalls),
          }))
      const callsIn = (events: { calls: number }[]) => events.reduce((sum, { calls }) => sum + calls, 0)
      for (let tries = 0; tries < 100 && callsIn(eventsOfDay()) < requests; tries++) await sleep(100)

      const events = eventsOfDay()
      const usersInPx = new Set(events.map(({ user }) => user))
      const isRight =
        events.length === expected.size &&
        usersInPx.size === expected.size &&
        events.every(({ user, calls }) => expected.get(user) === calls)
      const text = `${day}: ${requests} requests of ${expected.size} users; in PX ${events.length} events with ${callsIn(events)} calls${isRight ? ', one for each user.' : ': WRONG.'}`
      return { isRight, text }
    },
  }
}
