import { fakeClock } from '@px-usage/core/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createDiagnostics, ReportedSubjects } from '../../packages/core/src/diagnostics.ts'
import { UsageError } from '../../packages/core/src/errors.ts'

const emitWarning = vi.spyOn(process, 'emitWarning')
const quiet = () => emitWarning.mockReset().mockImplementation(() => {})
const failure = { code: 'PXU_ERR_STORE_UNAVAILABLE', message: 'The disk is full' } as const
const help = 'https://github.com/px-usage/px-usage/blob/main/docs/error-codes.md#pxu_err_store_unavailable'

beforeEach(() => void quiet())

function warnings(): string[] {
  return emitWarning.mock.calls.map(([message]) => String(message))
}

function causeOfItself(): Error {
  const error = new Error('round')
  error.cause = error
  return error
}

function setUp(onError?: (error: UsageError) => unknown) {
  const clock = fakeClock('2026-11-23T10:00:00Z')
  return { clock, diagnostics: createDiagnostics(onError, clock) }
}

describe('report()', () => {
  it('gives onError the first failure at once, then at most one a minute with the number between', async () => {
    const errors: UsageError[] = []
    const { clock, diagnostics } = setUp((error) => errors.push(error))
    const thrown = new UsageError(failure.code, failure.message, { cause: 'ENOSPC' })
    for (let second = 0; second <= 150; second++) {
      diagnostics.report(thrown)
      await clock.advance(1_000)
    }
    expect(errors.map(({ message }) => message)).toEqual([
      `The disk is full. See ${help}`,
      `The disk is full. (59 more since the last report.) See ${help}`,
      `The disk is full. (59 more since the last report.) See ${help}`,
    ])
    expect(errors[0]).toBe(thrown)
    expect(errors.every((error) => error instanceof UsageError && error.cause === 'ENOSPC')).toBe(true)
    expect(warnings()).toEqual([])
  })

  it('without onError makes a warning of the process, at once and then at most one an hour', async () => {
    const { clock, diagnostics } = setUp()
    for (let minute = 0; minute <= 120; minute++) {
      diagnostics.report(failure)
      await clock.advance(60_000)
    }
    expect(warnings()).toEqual([
      `The disk is full. See ${help}`,
      `The disk is full. (59 more since the last report.) See ${help}`,
      `The disk is full. (59 more since the last report.) See ${help}`,
    ])
    expect(emitWarning).toHaveBeenCalledWith(expect.anything(), {
      type: 'PxUsageWarning',
      code: failure.code,
    })
  })

  it('prints the causes of a failure that has no onError, a line for each', () => {
    const { diagnostics } = setUp()
    const root = new Error('EROFS: read-only file system,\n mkdir "/x"')
    root.stack = `${root}\n    at make (/app/make.js:3:4)\n    at node:internal/process`
    diagnostics.report({ ...failure, cause: new TypeError('no folder', { cause: root }) })
    const [, options] = emitWarning.mock.calls[0] as unknown as [string, { detail: string }]
    expect(options.detail.split('\n')).toEqual([
      expect.stringMatching(/^Cause: TypeError: no folder/),
      'Cause: Error: EROFS: read-only file system, mkdir "/x" (at make (/app/make.js:3:4))',
    ])
  })

  it.each<[string, unknown]>([
    ['that has no prototype', Object.create(null)],
    [
      'of which nothing can be read',
      new Proxy(new Error('hidden'), {
        get() {
          throw new Error('no')
        },
      }),
    ],
    ['that causes itself', causeOfItself()],
  ])('survives a cause %s', (_what, cause) => {
    setUp().diagnostics.report({ ...failure, cause })
    expect(warnings()).toHaveLength(1)
  })

  it('throttles each code and kind on its own', () => {
    const errors: string[] = []
    const { diagnostics } = setUp(({ message }) => errors.push(message))
    for (const kind of ['threw', 'rejected', 'threw']) {
      diagnostics.report({ code: 'PXU_ERR_ATTRIBUTION_FAILED', message: kind }, { kind, times: 2 })
    }
    diagnostics.report(failure)
    expect(errors.map((message) => message.replace(/ See .*/, ''))).toEqual([
      'threw. (2 times.)',
      'rejected. (2 times.)',
      'The disk is full.',
    ])
  })

  it('holds a bounded number of kinds, and reports the others together', () => {
    const errors: string[] = []
    const { diagnostics } = setUp(({ message }) => errors.push(message))
    for (let i = 0; i < 5_000; i++) diagnostics.report(failure, { kind: `file ${i}` })
    expect(errors).toHaveLength(1_001)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('prints what an onError that %s cannot take, and the app goes on', async (_what, onError) => {
    const { clock, diagnostics } = setUp(onError)
    diagnostics.report(failure)
    await clock.advance(1)
    expect(warnings()).toEqual([`The disk is full. See ${help}`])
  })
})

describe('warn()', () => {
  it('warns at once, and then at most once an hour with the number between', async () => {
    const { clock, diagnostics } = setUp()
    for (let minute = 0; minute <= 60; minute++) {
      diagnostics.warn('PXU_WRN_DELIVERY_BUDGET_SPENT', 'The budget is spent.')
      await clock.advance(60_000)
    }
    expect(warnings()).toEqual([
      'The budget is spent.',
      'The budget is spent. (59 more since the last report.)',
    ])
  })

  it('survives an emitWarning of the app that throws', () => {
    emitWarning.mockImplementation(() => {
      throw new Error('no warnings here')
    })
    expect(() =>
      setUp().diagnostics.warn('PXU_WRN_DELIVERY_BUDGET_SPENT', 'The budget is spent.'),
    ).not.toThrow()
  })
})

describe('ReportedSubjects', () => {
  it('finds each subject new once', () => {
    const reported = new ReportedSubjects()
    expect(reported.has('a.log')).toBe(false)
    expect(['a.log', 'b.log', 'a.log', 'b.log'].map((path) => reported.add(path))).toEqual([
      ...[true, true],
      ...[false, false],
    ])
    expect(reported.has('a.log')).toBe(true)
  })

  it('remembers a bounded number of subjects, and finds further ones new each time', () => {
    const reported = new ReportedSubjects(2)
    for (const member of ['ann', 'ben', 'cid']) reported.add(member)
    expect(['ann', 'ben', 'cid', 'cid'].map((member) => reported.add(member))).toEqual([
      ...[false, false],
      ...[true, true],
    ])
    expect(reported.has('cid')).toBe(false)
  })
})
