import { expect, it } from 'vitest'
import { advice, printDays } from '../../../packages/cli/src/backfill/print-backfill.ts'
import { createOutput } from '../../../packages/cli/src/output.ts'

const day = {
  day: '2026-11-01',
  action: 'queue',
  revision: 0,
  reason: '',
  queued: 0,
  calls: 5,
  events: 2,
} as const

it('of many days the middle is left out', () => {
  let out = ''
  const write = (text: string) => {
    out += text
  }
  const output = createOutput({ stdout: { write }, stderr: { write }, env: {}, isJson: false })
  printDays(output, new Array(100).fill(day))
  expect(out.split('\n').length).toBe(44)
  expect(out).toContain('60 days between them not shown')
})

it('the advice names the time of sending and days with a revision', () => {
  const text = (events: number, revision: number) =>
    advice({ events, days: [{ ...day, revision }], timeZone: 'Asia/Tokyo' }).join('\n')
  expect(text(5, 0)).toContain('Asia/Tokyo')
  expect(text(5, 0)).not.toContain('second event')
  expect(text(2_000_000, 1)).toContain('after 3 days')
  expect(text(5, 1)).toContain('1 day with a second event')
})
