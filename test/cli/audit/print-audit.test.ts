import { expect, test } from 'vitest'
import { type AuditReport, printAudit } from '../../../packages/cli/src/audit/print-audit.ts'
import { createOutput } from '../../../packages/cli/src/output.ts'
import { tooWide } from '../../support/run-cli.ts'

const report: AuditReport = {
  first: '2026-11-01',
  last: '2026-11-23',
  timeZone: 'UTC',
  record: 'sent.ndjson',
  requests: 3,
  totals: [],
  daysWithoutRecord: [],
  faultCount: 0,
  faults: [],
  untrueAverageCount: 0,
  untrueAverages: [],
}

function printed(given: Partial<AuditReport>): string {
  let out = ''
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  printAudit({ ...report, ...given }, createOutput({ stdout, stderr: stdout, env: {}, isJson: false }))
  return out
}

test('faults are sorted by user, and those beyond the first 20 are counted', () => {
  const faults = Array.from({ length: 30 }, (_, at) => ({
    kind: 'missing' as const,
    eventName: 'dailyEndpointCalls',
    day: '2026-11-23',
    userId: `user-${String(30 - at).padStart(2, '0')}-with-a-long-name`,
    accountId: 'an-account-with-a-long-name',
    id: undefined,
    detail: 'sent with apiCalls 3, apiErrors 0',
  }))
  const out = printed({ faults, faultCount: 1_000 })
  expect(out).toContain('1,000 faults, by user')
  expect(out).toContain('... and 980 more. --json lists them.')
  expect(out.indexOf('user-01')).toBeLessThan(out.indexOf('user-20'))
  expect(tooWide(out)).toEqual([])
})

test('an audit without faults says so', () => {
  expect(printed({})).toContain('PX has each event once, as it was sent.')
})
