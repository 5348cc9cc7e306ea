import { expect, it } from 'vitest'
import {
  reportAdapterFailure,
  reportCallbackFailure,
} from '../../../packages/core/src/attribution/report-failures.ts'
import { createDiagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { UsageError } from '../../../packages/core/src/errors.ts'

const cause = new Error('This callback always fails.')

it('a callback that fails is reported by its name, each of them once', () => {
  const errors: UsageError[] = []
  const diagnostics = createDiagnostics((error) => errors.push(error))
  for (const name of ['endpoint', 'ignore', 'ignore'] as const) {
    reportCallbackFailure(diagnostics, name, cause)
  }
  expect(errors.map(({ message }) => message.split(' ')[0])).toEqual(['endpoint()', 'ignore()'])
  expect(errors[0]).toMatchObject({ code: 'PXU_ERR_ATTRIBUTION_CALLBACK_FAILED', cause })
})

it('a failure of an adapter is reported with its cause', () => {
  const errors: UsageError[] = []
  reportAdapterFailure(
    createDiagnostics((error) => errors.push(error)),
    cause,
  )
  expect(errors).toMatchObject([{ code: 'PXU_ERR_ADAPTER_FAILED', cause }])
})
