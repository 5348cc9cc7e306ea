import type { Diagnostics } from '../diagnostics.ts'
import { detached } from '../model/detached-text.ts'
import type { Properties } from '../model/series.ts'
import { createPropertySets, usableProperties } from './properties.ts'

/** Combines the properties of single calls with those that all calls of a meter have. */
export interface CallProperties {
  /**
   * Returns the usable properties of a call: the same frozen object for the same content while it is remembered. Never throws.
   *
   * @param given what the app's `properties` callback returned for this call
   */
  of(given: unknown): Properties
  /** Number of properties that PX cannot store and that were left out. */
  readonly leftOut: number
}

/** A node of the tree in which known property sets are found, one level for each name and value in the given order. */
interface Step {
  next: Map<string, Map<unknown, Step>> | undefined
  found: Properties | undefined
}

/** When this many sets are remembered, all are forgotten: values that never come again would fill the memory. */
const maxRemembered = 1_000

/**
 * Creates the lookup of property sets. A callback mostly creates a new object for each call, with few different contents. So
 * each content is checked once, and found again by its names and values without an allocation. The object itself is no key,
 * because the app may change it.
 */
export function createCallProperties(own: Properties, diagnostics: Diagnostics): CallProperties {
  let start: Step = { next: undefined, found: own }
  let known = createPropertySets()
  let remembered = 0
  let leftOut = 0

  function leaveOut(reason: string, message: string): void {
    leftOut += 1
    diagnostics.warn('PXU_WRN_ATTRIBUTION_PROPERTY_LEFT_OUT', message, reason)
  }

  function remember(given: object, usable: Properties): Properties {
    if (remembered >= maxRemembered) {
      start = { next: undefined, found: own }
      known = createPropertySets()
      remembered = 0
    }
    remembered += 1
    const found = known.find(usable) ?? known.add(usable)
    let step = start
    for (const [name, value] of Object.entries(given)) {
      step = stepAfter(step, name, typeof value === 'string' ? detached(value) : value)
    }
    step.found = found
    return found
  }

  return {
    of(given) {
      if (given === undefined) return own
      try {
        const found = find(start, given)
        if (found !== undefined) return found
        const before = leftOut
        const usable = Object.freeze(
          usableProperties({ ...own, ...usableProperties(given, leaveOut) }, leaveOut),
        )
        // A set with an unusable property is not remembered, so that the property is counted for each call.
        return leftOut === before ? remember(given as object, usable) : usable
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
