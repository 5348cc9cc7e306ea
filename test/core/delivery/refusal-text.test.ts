import { expect, it } from 'vitest'
import { refusalText } from '../../../packages/core/src/delivery/refusal-text.ts'
import { eventLine } from '../../support/px-sender.ts'

const stored = { durable: true, place: '.px-usage' }

it('names the event, its user and day, the reply of PX, and where the event is kept', () => {
  const text = refusalText(eventLine('a', { user: 'ann' }), 'Validation error', { store: stored })
  expect(text).toBe(
    'PX refused the event "dailyApiCalls" of the user "ann" for 2026-11-23. Validation error. It is kept in .px-usage (meter.rejected()) and is not sent again.',
  )
})

it('names the member whose attributes were refused', () => {
  const line = { ...eventLine('a'), kind: 'account' as const, body: '{"id":"acme"}' }
  expect(refusalText(line, 'no', { store: stored })).toContain('the attributes of the account "acme"')
})

it('says that a store in memory keeps the event only until the process ends', () => {
  const text = refusalText(eventLine('a'), 'no', { store: { ...stored, durable: false } })
  expect(text).toContain('in memory until the process exits')
})
