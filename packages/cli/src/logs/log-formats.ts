import { usageError } from '../exit-codes.ts'
import { createAlbLog } from './alb-log.ts'
import { createCombinedLog } from './combined-log.ts'
import { createJsonLog, type JsonFieldMap, jsonFields } from './json-log.ts'
import type { LogFormat } from './log-line.ts'

export const formatNames = ['auto', 'combined', 'common', 'json', 'alb'] as const
export type FormatName = (typeof formatNames)[number]

/** How many lines at the begin of a log decide its format. */
const sampleLines = 100

/** Returns the format of that name. `auto` picks the one that parses most of the first lines. */
export function logFormat(name: FormatName, map: JsonFieldMap, sample: string): LogFormat {
  const all = { combined: createCombinedLog, json: () => createJsonLog(map), alb: createAlbLog }
  if (name !== 'auto') return all[name === 'common' ? 'combined' : name]()
  let best = all.combined()
  let mostParsed = 0
  for (const create of Object.values(all)) {
    const format = create()
    const parsed = linesOf(sample).filter(([from, to]) => typeof format.parse(sample, from, to) === 'object')
    if (parsed.length <= mostParsed) continue
    mostParsed = parsed.length
    best = format
  }
  return best
}

function linesOf(sample: string): Array<readonly [from: number, to: number]> {
  const lines: Array<readonly [number, number]> = []
  for (let from = 0; from < sample.length && lines.length < sampleLines; ) {
    const feed = sample.indexOf('\n', from)
    const to = feed === -1 ? sample.length : feed
    lines.push([from, to])
    from = to + 1
  }
  return lines
}

/** Parses `--format`. @throws {CommandError} */
export function parseFormatName(given: string): FormatName {
  const name = formatNames.find((one) => one === given)
  if (name === undefined) throw usageError(`--format ${given} is no format. Use ${formatNames.join(', ')}.`)
  return name
}

/** Parses `--fields time=ts,method=req.method`. @throws {CommandError} */
export function parseFieldMap(given: string | undefined): JsonFieldMap {
  const map: Partial<Record<(typeof jsonFields)[number], string>> = {}
  for (const pair of given?.split(',') ?? []) {
    const [field = '', name = ''] = pair.split('=').map((part) => part.trim())
    const known = jsonFields.find((one) => one === field)
    if (known === undefined || name === '') {
      throw usageError(
        `--fields ${pair} was not understood. Give pairs such as time=ts,method=req.method; fields: ${jsonFields.join(', ')}.`,
      )
    }
    map[known] = name
  }
  return map
}
