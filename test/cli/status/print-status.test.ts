import { describe, expect, it } from 'vitest'
import { createOutput } from '../../../packages/cli/src/output.ts'
import { printStatus } from '../../../packages/cli/src/status/print-status.ts'
import type { Status } from '../../../packages/cli/src/status/read-status.ts'
import { tooWide } from '../../support/run-cli.ts'

const nowMs = Date.parse('2026-11-23T10:00:00Z')
const stats = {
  calls: {
    ...{ counted: 100, inMemory: 1, stored: 99, ignored: 0, afterClose: 2, propertiesLeftOut: 0, pending: 0 },
    folded: { endpoints: 7, properties: 0, users: 0, accounts: 0 },
    unattributed: { anonymous: 4, invalid: 0, threw: 0, rejected: 0, timedOut: 0, overloaded: 0 },
  },
  delivery: {
    lastReply: { atMs: nowMs - 30_000, outcome: 'rejected', reason: 'bad \u001b[2J event '.repeat(20) },
    stopped: 'PX refused the key',
    possibleDuplicates: 1,
  },
}
const status = {
  ...{ number: 1, name: 'AP-A-2, api.aptrinsic.com, UTC', place: '/data/px-usage', timeZone: 'UTC' },
  today: '2026-11-23',
  sender: { id: '0123456789abcdef-x', host: 'web-1', state: 'alive' },
  days: [
    {
      ...{ day: '2026-11-23', revision: 0, calls: 1_234_567, series: 89, users: 10 },
      waiting:
        'due, waits for 12 processes that may still count on it, 3 of them on hosts that this one cannot see',
      writers: [
        { id: 'fedcba9876543210-y', host: 'h'.repeat(60), state: 'counting', seenAtMs: nowMs, bytes: 9 },
      ],
    },
  ],
  outbox: {
    counts: { closed: 10, delivered: 4, pending: 3, unconfirmed: 2, rejected: 1 },
    days: [{ day: '2026-11-22', pending: 3, unconfirmed: 2, rejected: 1, delivered: undefined }],
  },
  oldestWaiting: { day: '2026-11-22', lines: 5 },
  requests: { today: 250, perDay: 800_000 },
  processes: [{ host: 'web-1', pid: 1, startedAtMs: 0, atMs: nowMs - 20_000, hasEnded: false, ...stats }],
  accounting: {
    ...{ counted: 100, stored: 99, inMemory: 1, unattributed: { anonymous: 4 }, afterClose: 2, folded: 7 },
    possibleDuplicates: 1,
  },
} as unknown as Status

function printed(of: Status): string {
  let out = ''
  const stdout = {
    isTTY: true,
    columns: 80,
    write(text: string) {
      out += text
    },
  }
  printStatus(of, createOutput({ stdout, stderr: stdout, env: { NO_COLOR: '1' }, isJson: false }), nowMs)
  return out
}

describe('printStatus', () => {
  it('shows everything within 80 columns, with sums that add up', () => {
    const out = printed(status)
    expect(tooWide(out)).toEqual([])
    for (const part of [
      'process 0123456789ab on web-1. Stopped: PX refused the key',
      'rejected, 30 s ago',
      '250 requests since midnight UTC, less than 0.1 % of the 800,000 a day',
      '1,234,567',
      '4 delivered + 3 pending + 2 unconfirmed + 1 rejected',
      'The oldest that wait are of 2026-11-22: 5 lines.',
      '100 counted = 1 in memory + 99 stored',
      'Not counted for a user: 4 anonymous, 2 afterClose',
    ]) {
      // Long values are wrapped.
      expect(out.replace(/\s+/g, ' ')).toContain(part)
    }
    // An escape sequence in a reply of PX never reaches the terminal.
    expect(out).not.toContain('\u001b[2J')
  })

  it('says what is not known of a service that wrote nothing', () => {
    const out = printed({
      ...status,
      sender: undefined,
      processes: [],
      days: [],
      requests: { today: 0, perDay: undefined },
    })
    expect(out).toContain('no process closes days and sends now')
    expect(out).toContain('No day has counts that are not closed.')
    expect(out).not.toContain('counted =')
  })
})
