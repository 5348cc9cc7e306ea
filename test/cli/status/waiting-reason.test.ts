import { createUsageDays, type DayWriter } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { waitingReason } from '../../../packages/cli/src/status/waiting-reason.ts'

const writer = (state: DayWriter['state']): DayWriter => ({
  ...{ id: 'a', host: 'h', state, seenAtMs: 0, bytes: 1 },
})

test.each([
  ['2026-11-23T23:00:00Z', 'alive', ['counting'], 'open, ends in 60 min'],
  ['2026-11-24T00:05:00Z', 'alive', ['counting'], 'over, closes in 10 min'],
  ['2026-11-24T00:20:00Z', 'alive', ['done', 'counting'], 'waits for a process that may still count on it'],
  [
    '2026-11-24T00:20:00Z',
    'alive',
    ['unseen', 'counting'],
    'waits for 2 processes that may still count on it, 1 of them on hosts',
  ],
  ['2026-11-24T00:20:00Z', 'alive', ['done'], 'due, closes at the next check'],
  ['2026-11-24T00:20:00Z', 'dead', ['done'], 'due, but no process runs that closes it'],
] as const)('at %s, with a sender that is %s and writers %j: %s', (now, state, states, reason) => {
  const open = { day: '2026-11-23', revision: 0, writers: states.map(writer) }
  const sender = { id: 's', host: 'h', state }
  const at = { nowMs: Date.parse(now), days: createUsageDays('UTC'), graceMs: 900_000, sender }
  expect(waitingReason(open, at)).toContain(reason)
  if (reason.startsWith('due'))
    expect(waitingReason({ ...open, revision: 1 }, at)).toMatch(/^late counts: due/)
})
