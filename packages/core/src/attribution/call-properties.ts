import type { Diagnostics } from '../diagnostics.ts'
import { detached } from '../model/detached-text.ts'
import type { Properties } from '../model/series.ts'
import { usableProperties } from './properties.ts'

/** The properties of single calls, together with those that all calls of a meter have. */
export interface CallProperties {
  /** The same frozen object for the same content, mostly. Never throws. @param given what the app answered for this call */
  of(given: unknown): Properties
  /** Properties of calls that PX cannot have and that were left out. */
  readonly leftOut: number
}

/** A step on the way along the names and values of properties, in the order in which they are given. */
interface Step {
  next: Map<string, Map<unknown, Step>> | undefined
  found: Properties | undefined
}

/** Beyond it all are forgotten: values that never come again must not fill the memory. */
const maxRemembered = 1_000

/**
 * A callback mostly makes a new object of few different contents, so contents are checked once and found again by going
 * along them, which allocates nothing. An object is not known by itself, as the app may change it.
 */
export function createCallProperties(own: Properties, diagnostics: Diagnostics): CallProperties {
  let start: Step = { next: undefined, found: own }
  let remembered = 0
  let leftOut = 0

  function leaveOut(reason: string, message: string): void {
    leftOut += 1
    diagnostics.warn('PXU_WRN_ATTRIBUTION_PROPERTY_LEFT_OUT', message, reason)
  }

  function remember(given: object, found: Properties): void {
    if (remembered >= maxRemembered) {
      start = { next: undefined, found: own }
      remembered = 0
    }
    remembered += 1
    let step = start
    for (const [name, value] of Object.entries(given)) {
      step = stepAfter(step, name, typeof value === 'string' ? detached(value) : value)
    }
    step.found = found
  }

  return {
    of(given) {
      if (given === undefined) return own
      try {
        const known = find(start, given)
        if (known !== undefined) return known
        const before = leftOut
        const found = Object.freeze(
          usableProperties({ ...own, ...usableProperties(given, leaveOut) }, leaveOut),
        )
        // What is left out is counted for each call.
        if (leftOut === before) remember(given as object, found)
        return found
      } catch {
        leaveOut('threw', 'The properties of a call threw when they were read, and are left out.')
        return own
      }
    },
    get leftOut() {
      return leftOut
    },
  }
}

function find(start: Step, given: unknown): Properties | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined
  let step: Step | undefined = start
  for (const name in given) {
    if (!Object.hasOwn(given, name)) continue
    step = step.next?.get(name)?.get((given as Record<string, unknown>)[name])
    if (step === undefined) return undefined
  }
  return step.found
}

function stepAfter(step: Step, name: string, value: unknown): Step {
  step.next ??= new Map()
  const values = step.next.get(name) ?? new Map<unknown, Step>()
  step.next.set(name, values)
  const next = values.get(value) ?? { next: undefined, found: undefined }
  values.set(value, next)
  return next
}
