import { parseLimit } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type ChoiceFlags, choiceOf, readRejected, type ShownRejection } from '../lines/rejected-lines.ts'
import type { Output } from '../output.ts'
import { openPlace } from '../place/open-place.ts'
import { counted, formatTime, oneLine } from '../terminal-text.ts'

interface Flags extends ChoiceFlags {
  limit: string
}

interface RejectedOfNamespace {
  readonly number: number
  readonly name: string
  readonly total: number
  readonly reasons: ReadonlyArray<{ reason: string; lines: number }>
  /** As many as the limit allows. */
  readonly lines: readonly ShownRejection[]
}

/** Shows the lines that PX rejected, with its replies. */
export const rejected: CliCommand<Flags> = {
  name: 'rejected',
  summary: 'Show the lines that PX rejected, with its replies',
  uses: ['store'],
  define: (command) =>
    void command
      .option('--day <day>', 'only lines of this usage day')
      .option('--event <name>', 'only events of this name')
      .option('--limit <number>', 'how many lines are shown, and are in the JSON', '20')
      .addHelpText(
        'after',
        '\nExit code 1: there are rejected lines.\n`redeliver` sends them again, `discard` removes them from this list.\n\nExample:\n  px-usage rejected --day 2026-11-23 --json',
      ),

  async run({ flags, settings, output }) {
    const limit = parseLimit(flags.limit)
    const choice = choiceOf([], flags)
    const place = await openPlace(settings)
    try {
      const found: RejectedOfNamespace[] = []
      for (const reader of place.readers) {
        const { number, name } = reader
        const lines = await readRejected(reader, choice)
        found.push({
          number,
          name,
          total: lines.length,
          reasons: reasonsOf(lines),
          lines: lines.slice(0, limit),
        })
      }
      output.result(found, () => {
        for (const { name, total, reasons, lines } of found) {
          output.heading(`${name}: ${counted(total, 'rejected line')}`)
          if (total > 0) print(lines, reasons, total, output)
        }
      })
      return found.some(({ total }) => total > 0) ? exitCodes.found : exitCodes.ok
    } finally {
      await place.close()
    }
  },
}

function reasonsOf(lines: readonly ShownRejection[]): Array<{ reason: string; lines: number }> {
  const counts = new Map<string, number>()
  for (const { reason } of lines) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, lines]) => ({ reason, lines })).sort((a, b) => b.lines - a.lines)
}

function print(
  lines: readonly ShownRejection[],
  reasons: RejectedOfNamespace['reasons'],
  total: number,
  output: Output,
): void {
  output.table({
    columns: ['Lines', "PX's reply"],
    rows: reasons.slice(0, 10).map(({ reason, lines }) => [lines, reason]),
  })
  output.line()
  for (const { id, day, kind, eventName, userId, accountId, calls, rejectedAtMs } of lines) {
    const what = eventName ?? `${kind} attributes`
    const who = [userId, accountId].filter((one) => one !== undefined).join(' of ')
    const when = rejectedAtMs === undefined ? '' : `, rejected ${formatTime(rejectedAtMs)}`
    output.line(`  ${id}`)
    output.facts([['', oneLine(`${what} ${day}, ${who}, ${counted(calls, 'call')}${when}`)]])
  }
  if (total > lines.length) output.line(`  ... and ${total - lines.length} more. --limit shows more.`)
}
