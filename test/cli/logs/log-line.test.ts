import { expect, it } from 'vitest'
import { outcomeOf } from '../../../packages/cli/src/logs/log-line.ts'

it('outcomeOf() turns the statuses of a client that left into an aborted call without a status', () => {
  expect([200, 404, 503, 499, 460].map(outcomeOf)).toEqual([
    { status: 200, aborted: false },
    { status: 404, aborted: false },
    { status: 503, aborted: false },
    { status: 0, aborted: true },
    { status: 0, aborted: true },
  ])
})
