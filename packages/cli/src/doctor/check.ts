/** How a check ended. `unknown`: it could not be made, or PX does not show it. */
export type Verdict = 'ok' | 'warning' | 'failure' | 'unknown'

/** One thing that `doctor` looked at. */
export interface Check {
  readonly name: string
  readonly verdict: Verdict
  /** What was found, as a sentence. */
  readonly found: string
  /** What to do, as a sentence; for warnings and failures. */
  readonly cure?: string
}

export function ok(name: string, found: string): Check {
  return { name, verdict: 'ok', found }
}

export function warning(name: string, found: string, cure: string): Check {
  return { name, verdict: 'warning', found, cure }
}

export function failure(name: string, found: string, cure: string): Check {
  return { name, verdict: 'failure', found, cure }
}

/** @param why what prevents the check, without a final stop */
export function unknown(name: string, why: string): Check {
  return { name, verdict: 'unknown', found: `not checked: ${why}` }
}

/** Returns a check for each name, all unknown for one reason. */
export function allUnknown(names: readonly string[], why: string): Check[] {
  return names.map((name) => unknown(name, why))
}
