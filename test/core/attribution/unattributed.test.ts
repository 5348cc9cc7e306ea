import { expect, it } from 'vitest'
import { IdentifyFailure } from '../../../packages/core/src/attribution/identify.ts'
import { createUnattributed } from '../../../packages/core/src/attribution/unattributed.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

function unattributed(hasUsers = false) {
  const { diagnostics, warnings, errors } = recordingDiagnostics()
  return { warnings, errors, calls: createUnattributed(diagnostics, () => hasUsers) }
}

it('calls without an identity are counted by reason', () => {
  const { calls } = unattributed()
  calls.anonymous(3)
  calls.failed(new IdentifyFailure('threw'), 2)
  calls.failed(new IdentifyFailure('timedOut'), 1)
  calls.failed(new IdentifyFailure('future reason' as 'threw'), 4)
  expect(calls.counts()).toEqual({
    anonymous: 3,
    invalid: 4,
    threw: 2,
    rejected: 0,
    timedOut: 1,
    overloaded: 0,
  })
})

it('a hundred anonymous calls without a single user are warned of once', () => {
  const { calls, warnings } = unattributed()
  calls.anonymous(99)
  expect(warnings).toEqual([])
  calls.anonymous(1)
  expect(warnings).toHaveLength(1)
  calls.anonymous(100)
  expect(warnings).toEqual(['PXU_WRN_ATTRIBUTION_ALL_ANONYMOUS'])
})

it('anonymous calls beside those of users are no fault', () => {
  const { calls, warnings } = unattributed(true)
  calls.anonymous(1_000)
  expect(warnings).toEqual([])
})

it('a failure is reported with its reason and its error', () => {
  const { calls, errors } = unattributed()
  const error = new Error('This callback always fails.')
  calls.failed(new IdentifyFailure('rejected', error), 1)
  calls.failed(new IdentifyFailure('invalid', undefined, 'a number'), 1)
  expect(errors[0]).toMatchObject({ code: 'PXU_ERR_ATTRIBUTION_FAILED', cause: error })
  expect(errors[1]?.message).toContain('identify() returned a number.')
})
