import { expect, test } from 'vitest'
import {
  dayMs,
  emulator,
  event,
  filter,
  find,
  november,
  nowMs,
  post,
  setTime,
  start,
} from '../../support/started-emulator.ts'

async function three() {
  await start()
  for (const [at, identifyId] of ['ann', 'bob', 'ann'].entries()) {
    await post({ ...event, identifyId, date: event.date + at, accountId: `acme-${3 - at}` })
  }
}
const dates = async (query: string): Promise<number[]> =>
  (await find(`${query}&${november}`)).body.customEvents.map(
    ({ date }: { date: number }) => date - event.date,
  )

test('conditions joined by ; must all hold, one filter of several is enough, in any case', async () => {
  await three()
  expect(await dates(filter('identifyId==ANN;eventName~daily*'))).toEqual([0, 2])
  expect(await dates(filter('identifyId==bob', `date==${event.date}`))).toEqual([0, 1])
  expect(await dates(filter('identifyId!=ann'))).toEqual([1])
  expect(await dates(filter('identifyId~?nn'))).toEqual([0, 2])
  expect(await dates(filter('identifyId!~a*'))).toEqual([1])
  expect(await dates(filter(`date>${event.date};date<=${event.date + 2}`))).toEqual([1, 2])
  expect(await dates(filter('date>=2026-11-22T00:00:00Z;date<2026-11-22T12:00:00.001Z'))).toEqual([0])
})

test('only identifyId, eventName and date can be filtered, only accountId and date sorted', async () => {
  await three()
  for (const text of ['accountId==acme', 'attributes.apiCalls==1', 'identifyId', '']) {
    expect([text, (await find(filter(text))).status]).toEqual([text, 400])
  }
  expect(await dates('sort=-date')).toEqual([2, 1, 0])
  expect(await dates('sort=accountId')).toEqual([2, 1, 0])
  expect((await find('sort=identifyId')).status).toBe(400)
})

test('without a range the last day is searched, and a range over 190 days returns 400', async () => {
  await start()
  await post({ ...event, date: nowMs - dayMs + 1 })
  await post({ ...event, date: nowMs - dayMs - 1 })
  expect((await find('')).body.totalHits).toBe(1)
  const range = (days: number) => find(`dateRangeStart=${nowMs - days * dayMs}&dateRangeEnd=${nowMs}`)
  expect((await range(190)).body.totalHits).toBe(2)
  const tooLong = await range(191)
  expect(tooLong.status).toBe(400)
  expect(tooLong.body.externalapierror.message).toBe('Exceeded date range190days')
})

test('a page has 25 events, or 1 to 1000 by pageSize', async () => {
  await start()
  for (let at = 0; at < 26; at += 1) await post(event)
  expect((await find(november)).body.customEvents).toHaveLength(25)
  expect((await find(`pageSize=26&${november}`)).body.customEvents).toHaveLength(26)
  for (const size of ['0', '1001', '1.5', 'x']) expect((await find(`pageSize=${size}`)).status).toBe(400)
})

test('several filters find what meets one of them, or by switch what meets all', async () => {
  await three()
  const both = `filter=identifyId==ann&filter=identifyId==zoe&${november}`
  const one = (await find(`filter=identifyId==ann&${november}`)).body.totalHits
  expect(one).toBeGreaterThan(0)
  expect((await find(both)).body.totalHits).toBe(one)
  emulator.setSwitches({ repeatedFilters: 'and' })
  expect((await find(both)).body.totalHits).toBe(0)
})

test('a scrollId alone returns the next page, and the last page has one too, or null by switch', async () => {
  await three()
  const first = (await find(`sort=-date&pageSize=2&${november}`)).body
  expect(first.totalHits).toBe(3)
  await post({ ...event, date: event.date + 9 })
  const second = (await find(`scrollId=${first.scrollId}`)).body
  expect(second.customEvents.map(({ date }: { date: number }) => date - event.date)).toEqual([0])
  expect(second.scrollId).toEqual(expect.any(String))
  expect((await find(`scrollId=${second.scrollId}`)).body.customEvents).toEqual([])
  expect((await find('scrollId=made-up')).status).toBe(400)
  emulator.setSwitches({ lastScrollId: 'none' })
  expect((await find(`scrollId=${first.scrollId}`)).body.scrollId).toBeNull()
})

test('an event is not seen, in reports neither, until the visibility lag is over', async () => {
  await start({ switches: { visibilityLagMs: 60_000 } })
  await post(event)
  const query = {
    eventName: 'dailyApiCalls',
    property: 'apiCalls',
    function: 'Sum' as const,
    scope: 'Daily' as const,
    timeZone: 'UTC',
  }
  setTime(nowMs + 59_999)
  expect((await find(november)).body.totalHits).toBe(0)
  expect(emulator.report(query).events).toBe(0)
  setTime(nowMs + 1)
  expect((await find(november)).body.totalHits).toBe(1)
  expect(emulator.report(query).events).toBe(1)
})
