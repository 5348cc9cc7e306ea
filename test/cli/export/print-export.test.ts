import { expect, test } from 'vitest'
import { type ExportReport, printExport } from '../../../packages/cli/src/export/print-export.ts'
import { tooWide } from '../../support/run-cli.ts'

const report: ExportReport = {
  ...{ number: 1, name: 'AP-TEST-2', first: '2026-11-20', last: '2026-11-23', timeZone: 'UTC' },
  ...{ format: 'ndjson', lines: 'all', files: [], events: 3, byState: { delivered: 2, pending: 1 } },
  ...{ attributeLines: 0, unreadable: 0, openDays: [], daysWithoutEvents: [], incompleteUpTo: undefined },
  isDryRun: false,
}

function textOf(more: Partial<ExportReport> = {}): string {
  const lines: string[] = []
  printExport({ ...report, ...more }, (text) => lines.push(text))
  expect(tooWide(lines.join('\n'))).toEqual([])
  return lines.join('\n')
}

test('an export that is complete says how much, and warns of a second sender', () => {
  expect(textOf().split('\n')).toEqual([
    'Exported 3 events of 2026-11-20 to 2026-11-23 (UTC): 2 delivered, 1 pending.',
    'If the service sends to PX, loading these events there doubles them.',
  ])
})

test('an export of a dry run does not warn of doubled events', () => {
  expect(textOf({ isDryRun: true })).not.toContain('doubles')
})

test('days that are missing, and what was left out, are named', () => {
  const days = Array.from({ length: 5 }, (_, at) => `2026-11-0${at + 1}`)
  const text = textOf({
    ...{
      incompleteUpTo: '2026-11-20',
      openDays: ['2026-11-23'],
      daysWithoutEvents: days,
      attributeLines: 1,
      unreadable: 2,
    },
    files: [{ path: '/tmp/a.csv', config: '/tmp/a.config.json', events: 3 }],
  })
  expect(text).toContain('Not closed yet, so not complete: 2026-11-23.')
  expect(text).toContain('Delivered events up to 2026-11-20 are not kept, or not all of them.')
  expect(text).toContain('No events of 5 days (2026-11-01 to 2026-11-05)')
  expect(textOf({ lines: 'unsent', daysWithoutEvents: days })).not.toContain('No events')
  expect(text).toContain('1 update of user or account attributes')
  expect(text).toContain('2 lines whose body is no JSON')
  expect(text).toMatch(/\/tmp\/a\.csv {2}3 events\n {2}\/tmp\/a\.config\.json\n/)
})
