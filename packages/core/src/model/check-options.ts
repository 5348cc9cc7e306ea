import { quoted, UsageError } from '../errors.ts'

/**
 * Checks that each given option has a known name.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_UNKNOWN` with the known name that is most similar
 */
export function refuseUnknown(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw notOptions(options)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const nearest =
      names.find((candidate) => candidate.toLowerCase() === name.toLowerCase()) ?? closest(name, names)
    const hint = nearest === undefined ? `Known are ${names.join(', ')}.` : `Did you mean ${nearest}?`
    throw new UsageError('PXU_ERR_OPTIONS_UNKNOWN', `The option ${quoted(name)} is unknown. ${hint}`)
  }
}

/** Creates the error for options that are not an object. It does not quote the value, which is most likely an API key. */
export function notOptions(value: unknown): UsageError {
  const what = value === null ? 'null' : typeof value
  return new UsageError(
    'PXU_ERR_OPTIONS_INVALID',
    `The options are of type ${what}. Give an object of options.`,
  )
}

function closest(name: string, names: readonly string[]): string | undefined {
  const scored = names.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
  return scored.filter(({ distance }) => distance <= 2).sort((a, b) => a.distance - b.distance)[0]?.candidate
}

/** The Levenshtein distance of two texts, computed row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** Creates the error for an option with an invalid value. @param advice what to give instead, as a sentence */
export function invalid(name: string, value: unknown, advice: string): UsageError {
  return new UsageError('PXU_ERR_OPTIONS_INVALID', `The option ${name} is ${quoted(value)}. ${advice}`)
}

/** Returns the value if it is a boolean or missing. @throws {UsageError} otherwise, as do the checks below */
export function boolean(name: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(name, value, 'Give true or false.')
}

/** Returns the value if it is a whole number of at least `least`, or missing. */
export function count(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw invalid(name, value, `Give a whole number of at least ${least}.`)
}

/** Returns the value if it is a function or missing. */
export function callback<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(name, value, 'Give a function.')
}

/** Returns the value if it is an object and no array, or missing. */
export function object<T extends object>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    return value
  throw invalid(name, value, 'Give an object.')
}
