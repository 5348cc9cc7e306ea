import { createPastDays, type PastDays, type PastDaysOptions } from '@px-usage/core/adapter'
import { usageError } from '../exit-codes.ts'
import type { JsonFieldMap } from '../logs/json-log.ts'
import type { FormatName } from '../logs/log-formats.ts'
import { parseFieldMap, parseFormatName } from '../logs/log-formats.ts'
import type { Settings } from '../settings.ts'

/** The flags of `backfill`, as commander returns them. */
export interface BackfillFlags {
  readonly routes?: string
  readonly identify: string
  readonly key: string
  readonly account?: string
  readonly format: string
  readonly fields?: string
  readonly ignore?: readonly string[]
  readonly property?: readonly string[]
  readonly rollup?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly name?: string
  readonly revision?: true
  readonly preview?: true
  readonly yes?: true
  readonly forExport?: true
  readonly newNamespace?: true
}

/** The flags, checked. */
export interface BackfillOptions {
  readonly format: FormatName
  readonly fields: JsonFieldMap
  readonly from: string | undefined
  readonly to: string | undefined
  readonly name: string | undefined
}

const longestName = 60

/** @throws {CommandError} with exit code 2 */
export function parseBackfillFlags(flags: BackfillFlags): BackfillOptions {
  const { from, to, name } = flags
  for (const [flag, day] of [
    ['--from', from],
    ['--to', to],
  ] as const) {
    if (day !== undefined && !isDay(day)) throw usageError(`${flag} ${day} is not a day such as 2026-11-23.`)
  }
  if (from !== undefined && to !== undefined && from > to)
    throw usageError(`--from ${from} is after --to ${to}.`)
  if (name !== undefined && !/^[\w .:-]+$/.test(name)) {
    throw usageError('--name may have letters, digits, spaces and . : - _ only.')
  }
  if (name !== undefined && name.length > longestName) {
    throw usageError(`--name may have ${longestName} characters at most.`)
  }
  return {
    ...{ from, to, name },
    format: parseFormatName(flags.format),
    fields: parseFieldMap(flags.fields),
  }
}

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`)
  return /^\d{4}-\d\d-\d\d$/.test(text) && new Date(at || 0).toISOString().startsWith(text)
}

/**
 * Creates the counter with the settings of the service.
 *
 * @throws {CommandError} with exit code 2
 */
export function pastDaysOf(
  settings: Settings,
  flags: Pick<BackfillFlags, 'property' | 'rollup' | 'forExport'>,
  onProblem: PastDaysOptions['onProblem'],
): PastDays {
  const { productKey, region, baseUrl, timeZone } = settings
  const rollups = (flags.rollup ?? []).map(rollupOf)
  const properties = (flags.property ?? []).map(propertyOf)
  try {
    return createPastDays({
      ...{ productKey, timeZone, dryRun: flags.forExport === true, onProblem },
      ...(baseUrl === undefined ? { region: region as PastDaysOptions['region'] } : { baseUrl }),
      ...(rollups.length === 0 ? {} : { rollups }),
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      identifyTimeoutMs: 60_000,
    })
  } catch (error) {
    throw usageError((error as Error).message)
  }
}

function rollupOf(given: string): { eventName: string; by: 'identity' | 'endpoint' } {
  const at = given.lastIndexOf('=')
  const by = given.slice(at + 1)
  if (at > 0 && (by === 'identity' || by === 'endpoint')) return { eventName: given.slice(0, at), by }
  throw usageError(`--rollup ${given} was not understood. Give dailyApiCalls=identity, for example.`)
}

function propertyOf(given: string): [string, string] {
  const at = given.indexOf('=')
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)]
  throw usageError(`--property ${given} was not understood. Give apiType=RESTful, for example.`)
}
