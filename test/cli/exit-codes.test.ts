import { expect, test } from 'vitest'
import { exitCodes, failedError, usageError } from '../../packages/cli/src/exit-codes.ts'

test('each meaning has an exit code of its own, and errors carry it', () => {
  expect(exitCodes).toEqual({ ok: 0, found: 1, usage: 2, failed: 3, cancelled: 4 })
  expect(usageError('x').exitCode).toBe(2)
  expect(failedError('x', new Error('why'))).toMatchObject({ exitCode: 3, cause: { message: 'why' } })
})

test('a failure of the file system names the path once', () => {
  const cause = Object.assign(new Error("ENOENT: no such file or directory, open '/a/b'"), { code: 'ENOENT' })
  const { message, exitCode } = failedError(`Cannot read /a/b: ${cause.message}`, cause)
  expect([message, exitCode]).toEqual(['Cannot read /a/b: ENOENT: no such file or directory', 3])
})
