import { expect, it } from 'vitest'
import { addsUp, emptyReconciliation, sumOf } from '../../../packages/cli/src/backfill/reconciliation.ts'

it('a reconciliation adds up if every line is in one class', () => {
  const found = emptyReconciliation()
  expect(addsUp(found)).toBe(true)
  found.lines = 9
  Object.assign(found, { ignored: 1, outside: 1, tooOld: 1, notOver: 1, counted: 3 })
  found.junk.torn = 1
  expect(addsUp(found)).toBe(false)
  found.withoutIdentity.anonymous = 1
  expect(addsUp(found)).toBe(true)
  expect(sumOf(found.junk)).toBe(1)
})
