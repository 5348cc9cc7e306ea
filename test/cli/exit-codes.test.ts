import { expect, test } from 'vitest'
import { exitCodes, failedError, usageError } from '../../packages/cli/src/exit-codes.ts'

test('each meaning has an exit code of its own, and errors carry it', () => {
  expect(exitCodes).toEqual({ ok: 0, found: 1, usage: 2, failed: 3, cancelled: 4 })
  expect(usageError('x').exitCode).toBe(2)
  expect(failedError('x', new Error('why'))).toMatchObject({ exitCode: 3, cause: { message: 'why' } })
})
