import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type CalledEndpoint, summarizeDay } from '@px-usage/core/adapter'
import { parseDay } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes, failedError, usageError } from '../exit-codes.ts'
import { type EndpointChange, endpointChanges } from '../lines/endpoint-changes.ts'
import type { Output } from '../output.ts'
import { type NumberedReader, openPlace } from '../place/open-place.ts'
import { oneLine } from '../terminal-text.ts'

interface Flags {
  diff?: string
}

interface Endpoints {
  readonly number: number
  readonly name: string
  readonly days: readonly string[]
  readonly endpoints: readonly CalledEndpoint[]
  /** Only with `--diff`. */
  readonly changes?: readonly EndpointChange[]
}

/** Shows the endpoints of the open days with their calls. */
export const endpoints: CliCommand<Flags> = {
  name: 'endpoints',
  summary: 'Show the endpoints called on the open days, and what a deploy renamed',
  uses: ['store'],
  define: (command) =>
    void command
      .argument('[day]', 'one open day, such as 2026-11-23')
      .option('--diff <file>', 'compare with an earlier list: the output of `endpoints --json`')
      .addHelpText(
        'after',
        '\nPX shows a renamed endpoint as a new one, and its history ends. --diff warns of\nthat. Exit code 1: endpoints were renamed, merged or split.\n\nExamples:\n  px-usage endpoints --json > before.json\n  px-usage endpoints --diff before.json',
      ),

  async run({ args, flags, settings, output, surroundings }) {
    const day = args[0] === undefined ? undefined : parseDay(args[0])
    const before = flags.diff === undefined ? undefined : readBefore(resolve(surroundings.cwd, flags.diff))
    const place = await openPlace(settings)
    try {
      const found: Endpoints[] = []
      for (const reader of place.readers) {
        const now = await endpointsOf(reader, day)
        const changes = before && endpointChanges(before(now.name), now.endpoints)
        found.push(changes === undefined ? now : { ...now, changes })
      }
      output.result(found, () => {
        for (const one of found) print(one, output)
      })
      const isBroken = found.some(({ changes = [] }) => changes.some(breaksHistory))
      return isBroken ? exitCodes.found : exitCodes.ok
    } finally {
      await place.close()
    }
  },
}

async function endpointsOf(reader: NumberedReader, only: string | undefined): Promise<Endpoints> {
  const { number, name } = reader
  const sums = new Map<string, CalledEndpoint & { calls: number }>()
  const days: string[] = []
  for (const { day } of await reader.openDays()) {
    if (only !== undefined && only !== day) continue
    days.push(day)
    for (const called of (await summarizeDay(reader.totals(day))).endpoints) {
      const key = JSON.stringify([called.method, called.route])
      const sum = sums.get(key) ?? { ...called, calls: 0 }
      sum.calls += called.calls
      sums.set(key, sum)
    }
  }
  return { number, name, days, endpoints: [...sums.values()].sort((a, b) => b.calls - a.calls) }
}

/** Reads an earlier list. @returns the endpoints of a namespace, by its name */
function readBefore(path: string): (name: string) => CalledEndpoint[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw failedError(`Cannot read ${path}: ${(error as Error).message}`, error)
  }
  let lists: Endpoints[]
  try {
    lists = JSON.parse(text) as Endpoints[]
    if (!lists.every(({ endpoints }) => Array.isArray(endpoints))) throw new Error('no endpoints')
  } catch {
    throw usageError(`${path} is not a list of \`px-usage endpoints --json\`.`)
  }
  // A folder with one namespace is compared whatever its address was: a test system has another one.
  return (name) => [...((lists.find((one) => one.name === name) ?? lists[0])?.endpoints ?? [])]
}

function breaksHistory({ kind }: EndpointChange): boolean {
  return kind === 'renamed' || kind === 'merged' || kind === 'split'
}

function print({ name, days, endpoints, changes }: Endpoints, output: Output): void {
  output.heading(`${name}: ${days.length === 0 ? 'no open day' : days.join(', ')}`)
  output.table({
    columns: ['Method', 'Endpoint', 'Calls', ''],
    rows: endpoints.map(({ method, route, calls, isFolded }) => [
      ...[method, route, calls, isFolded ? 'folded: several endpoints beyond a limit' : ''],
    ]),
  })
  output.line()
  if (changes === undefined) return
  const broken = changes.filter(breaksHistory)
  if (broken.length === 0) output.line('No endpoint was renamed, merged or split.')
  for (const { kind, before, after } of broken) {
    output.line(output.style('yellow', `  ${kind}`))
    output.facts([
      ['before', oneLine(before.join(', '))],
      ['after', oneLine(after.join(', '))],
    ])
  }
  for (const { kind, before, after } of changes.filter((change) => !breaksHistory(change))) {
    output.line(`  ${kind}: ${oneLine([...before, ...after].join(', '))}`)
  }
}
