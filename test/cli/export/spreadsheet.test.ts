import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import type { EventFields, ExportedEvent } from '../../../packages/cli/src/export/exported-events.ts'
import { createColumns, createSpreadsheet } from '../../../packages/cli/src/export/spreadsheet.ts'

const event = (fields: EventFields): ExportedEvent => ({
  ...{ day: '2026-11-23', state: 'delivered', body: '' },
  fields: { eventName: 'dailyApiCalls', date: Date.UTC(2026, 10, 23, 12), ...fields },
})

function sheetOf(events: readonly ExportedEvent[], names?: readonly string[]): string {
  const columns = createColumns()
  for (const one of events) columns.see(one)
  const texts: string[] = []
  const target = { write: (text: string) => void texts.push(text), finish() {}, discard() {} }
  const sheet = createSpreadsheet(target, names ?? columns.names())
  for (const one of events) sheet.add(one)
  return texts.join('')
}

test('each attribute has a column, after those that every event has', () => {
  const text = sheetOf([
    event({ identifyId: 'ann', attributes: { apiCalls: 3, day: '2026-11-23', timestamp: 1 } }),
    event({ identifyId: 'bob', accountId: 'acme', attributes: { apiCalls: 4, trial: false } }),
  ])
  expect(text.charCodeAt(0)).toBe(0xfeff)
  expect(text.slice(1).split('\n')).toEqual([
    'Day,Event,User,Account,Date (UTC),State,apiCalls,trial',
    '2026-11-23,dailyApiCalls,ann,,2026-11-23 12:00:00,delivered,3,',
    '2026-11-23,dailyApiCalls,bob,acme,2026-11-23 12:00:00,delivered,4,false',
    '',
  ])
})

test('no id, account, attribute or name of one is a formula, and numbers stay numbers', () => {
  const ids = ['=1+1', '+49 30', '-7', '@SUM(A1)', '\t=1', '\r=1', '＝1', '"=1']
  const text = sheetOf(
    ids.map((id) => event({ identifyId: id, accountId: id, attributes: { [id]: id, apiCalls: -7 } })),
  )
  const rows = parse(text, { bom: true }) as string[][]
  const texts = rows.flatMap((row) => row.filter((cell) => cell !== '-7'))
  expect(texts.filter((cell) => /^[=+\-@\t\r＝]/.test(cell))).toEqual([])
  expect(rows.slice(1).map((row) => row[2])).toEqual([...ids.slice(0, 7).map((id) => `'${id}`), '"=1'])
  const at = rows[0]?.indexOf('apiCalls') ?? 0
  expect(rows.slice(1).map((row) => row[at])).toEqual(ids.map(() => '-7'))
})

test('an attribute that was not there at the first reading ends the export', () => {
  expect(() => sheetOf([event({ attributes: { late: 1 } })], [])).toThrow('Run the export again')
})
