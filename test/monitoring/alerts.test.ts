import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DeliveryResult, type Meter, type MeterOptions, memoryStore, type Store } from '@px-usage/core'
import { describe, expect, it } from 'vitest'
import {
  checkQueries,
  hasPromtool,
  promtool,
  rulesFile,
  testQueries,
  testRules,
} from '../support/promtool.ts'
import { RecordedScrapes, scrapeMs } from '../support/recorded-scrapes.ts'

/** 90 in a soak. Three days include a weekend and the end of summer time. */
const quietDays = Number(process.env.SOAK_QUIET_DAYS ?? 3)
const minutesPerScrape = scrapeMs / 60_000
const isThere = hasPromtool()

function callOf(meter: Meter, userId: string | undefined, route = '/'): void {
  const identity = userId === undefined ? undefined : { userId }
  meter.record({ identity, method: 'GET', route, statusCode: 200, aborted: false })
}

/** A store that fails in one method from the moment on that `isFailing` is set. */
function failingStore(method: 'add' | 'closeDay'): { store: Store; fail(): void } {
  const store = memoryStore()
  const works = store[method].bind(store) as (...args: unknown[]) => unknown
  let isFailing = false
  Object.assign(store, {
    [method](...args: unknown[]) {
      if (isFailing) throw new Error('The disk failed.')
      return works(...args)
    },
  })
  return {
    store,
    fail() {
      isFailing = true
    },
  }
}

interface Scenario {
  fault: string
  alert: string
  options?: () => MeterOptions
  /** How long the service has run before the fault begins at 23:00. */
  healthyHours?: number
  begin(service: RecordedScrapes): void | Promise<void>
  /** Hours from the beginning of the fault until what the alert names has lasted for as long as the alert says. */
  trueAfterHours: number
}

const usualHealthyHours = 2

const always = (result: DeliveryResult) => (service: RecordedScrapes) => {
  service.respond = () => result
}
/** At 00:20 at the latest the day is closed and the first line was tried; 45 minutes later it has waited too long. */
const waitedTooLong = { alert: 'PxUsageLinesWaitTooLong', trueAfterHours: 1 + 1 / 3 + 3 / 4 }
const adds = failingStore('add')
const closes = failingStore('closeDay')
let attempts = 0

const scenarios: Scenario[] = [
  {
    fault: 'PX cannot be reached',
    ...waitedTooLong,
    begin: always({ outcome: 'retryable', reason: 'The request to PX failed: connect ECONNREFUSED.' }),
  },
  {
    fault: 'PX returns 429 all the time',
    ...waitedTooLong,
    begin: always({ outcome: 'retryable', reason: 'PX returned 429.', afterMs: 600_000 }),
  },
  {
    fault: 'PX refuses the API key',
    ...waitedTooLong,
    begin: always({ outcome: 'stopped', reason: 'PX refuses the API key (401).' }),
  },
  {
    fault: 'PX refuses every event',
    ...waitedTooLong,
    begin: always({ outcome: 'rejected', reason: 'PX returned 400: unknown product.' }),
  },
  {
    fault: 'PX refuses some events',
    alert: 'PxUsageLinesRejected',
    trueAfterHours: 1 + 1 / 3,
    begin(service) {
      service.respond = () => {
        attempts += 1
        return attempts % 5 === 0
          ? { outcome: 'rejected', reason: 'PX returned 400: unknown user.' }
          : { outcome: 'delivered' }
      }
    },
  },
  {
    fault: 'replies of PX are lost and the key cannot read',
    alert: 'PxUsagePossibleDuplicates',
    // The line is resent lookUpAfterMs (15 minutes) after the first request.
    trueAfterHours: 1 + 1 / 3 + 1 / 4,
    begin(service) {
      const tried = { times: 0 }
      service.respond = () => {
        tried.times += 1
        return tried.times <= 8 ? { outcome: 'unconfirmed', reason: 'No reply.' } : { outcome: 'delivered' }
      }
    },
  },
  {
    fault: 'raw paths are given as routes',
    alert: 'PxUsageOverflow',
    trueAfterHours: 0,
    options: () => ({ limits: { endpointsPerIdentity: 20 } }),
    begin(service) {
      let path = 0
      service.call = (meter) => {
        for (let times = 0; times < 10; times += 1) {
          path += 1
          callOf(meter, 'ann', `/items/${path}`)
        }
      }
    },
  },
  {
    fault: 'days are not closed any more',
    alert: 'PxUsageNothingAccepted',
    // The last event was accepted 22 hours and 40 minutes ago. The rule waits for 25 hours, because 24 are normal.
    trueAfterHours: 2 + 1 / 3,
    healthyHours: 23,
    options: () => ({ store: closes.store }),
    begin: closes.fail,
  },
  {
    fault: 'identify() finds no user any more',
    alert: 'PxUsageNoCalls',
    trueAfterHours: 12,
    begin(service) {
      service.call = (meter) => callOf(meter, undefined)
    },
  },
  {
    fault: 'all processes are gone',
    alert: 'PxUsageNoCalls',
    trueAfterHours: 12,
    begin: (service) => service.stop(),
  },
  {
    fault: 'the disk of the store is full',
    alert: 'PxUsageNotStored',
    // The rule looks back 30 minutes.
    trueAfterHours: 1 / 2,
    options: () => ({ store: adds.store }),
    begin: adds.fail,
  },
]

/** Runs a service without a fault until 23:00. */
async function healthyService({
  options,
  healthyHours = usualHealthyHours,
}: Scenario): Promise<RecordedScrapes> {
  const start = new Date(Date.UTC(2026, 10, 23, 23 - healthyHours)).toISOString()
  const service = new RecordedScrapes(start, options?.())
  service.call = (meter) => {
    for (let user = 0; user < 12; user += 1) callOf(meter, `user ${user}`)
  }
  service.start()
  await service.run(healthyHours)
  return service
}

/** Calls of a service for business: few at night and on weekends. */
function callsOfBusiness({ clock }: RecordedScrapes): (meter: Meter) => void {
  return (meter) => {
    const date = new Date(clock.now())
    const isBusy = date.getUTCHours() >= 6 && date.getUTCHours() < 18 && date.getUTCDay() % 6 !== 0
    if (!isBusy && (date.getUTCHours() % 6 !== 0 || date.getUTCMinutes() > 5)) return
    for (let user = 0; user < (isBusy ? 10 : 1); user += 1) callOf(meter, `user ${user}`)
  }
}

describe.skipIf(!isThere)('the alert rules', () => {
  it('are valid', async () => {
    expect(await promtool('check', 'rules', rulesFile)).toContain('SUCCESS: 7 rules found')
  })

  it('come with a dashboard whose queries are valid', async () => {
    const text = await readFile(join(rulesFile, '../dashboard.json'), 'utf8')
    const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] }
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    await checkQueries(queries)
    await expect(checkQueries(['sum(px_usage_lines_closed'])).rejects.toThrow('parse error')
  })

  it('rest on identities that hold in every scrape', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
    const [, identities = ''] = /```promql\n([\s\S]*?)\n```/.exec(page) ?? []
    const [calls = '', lines = ''] = identities.split('\n\n')
    const service = await healthyService({ fault: '', alert: '', begin() {}, trueAfterHours: 0 })
    service.respond = () => ({ outcome: 'unconfirmed', reason: 'No reply.' })
    await service.run(3)
    await testQueries({
      series: service.series(),
      atMinute: (service.scrapes - 1) * minutesPerScrape,
      // As many scrapes fulfil an identity as there are.
      queries: [calls, lines].map((identity) => `count_over_time((${identity})[1d:5m])`),
      value: service.scrapes,
    })
    await service.stop()
  })

  it.each(scenarios)('raise $alert within an hour when $fault', async (scenario) => {
    const service = await healthyService(scenario)
    const begunAt = service.scrapes * minutesPerScrape
    await scenario.begin(service)
    await service.run(scenario.trueAfterHours + 1)
    const until = service.scrapes * minutesPerScrape
    await testRules({
      name: scenario.fault,
      series: service.series(),
      checks: [
        { atMinute: begunAt, within: begunAt, alerts: [] },
        { atMinute: until, within: until - begunAt, alerts: [scenario.alert] },
      ],
    })
    await service.stop()
  })

  it(`raise nothing in ${quietDays} quiet days with deploys, outages and a clock change`, {
    timeout: 3_600_000,
  }, async () => {
    const service = new RecordedScrapes(quietDays < 90 ? '2026-10-23T10:00:00Z' : '2026-09-01T10:00:00Z', {
      timeZone: 'Europe/Berlin',
    })
    service.call = callsOfBusiness(service)
    service.start()
    for (let day = 0; day < quietDays; day += 1) {
      await service.run(14)
      // Midnight in UTC; PX fails for a quarter of an hour every other day, some time around the close of the day.
      const isOut = day % 2 === 1
      if (isOut) service.respond = () => ({ outcome: 'retryable', reason: 'PX returned 502.' })
      await service.run(1 / 4)
      service.respond = () => ({ outcome: 'delivered' })
      await service.run(9 + 3 / 4)
      if (day % 3 === 2) {
        await service.stop()
        await service.run(1 / 6)
        service.start()
      }
    }
    const minutes = service.scrapes * minutesPerScrape
    expect(service.series().length).toBeGreaterThanOrEqual(15)
    await testRules({
      name: 'quiet',
      series: service.series(),
      checks: [{ atMinute: minutes, within: minutes, alerts: [] }],
    })
    await service.stop()
  })
})
