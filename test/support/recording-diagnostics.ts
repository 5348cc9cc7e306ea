import type { Diagnostics } from '../../packages/core/src/diagnostics.ts'
import { type UsageError, type UsageErrorCode, usageError } from '../../packages/core/src/errors.ts'

/** Diagnostics that keep every warning and every error, also one that would not be repeated yet. */
export function recordingDiagnostics() {
  const warnings: UsageErrorCode[] = []
  const errors: UsageError[] = []
  const diagnostics: Diagnostics = {
    publish() {},
    warn: (code) => void warnings.push(code),
    report: (failure) => void errors.push(usageError(failure)),
  }
  return { diagnostics, warnings, errors }
}
