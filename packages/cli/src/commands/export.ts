import { createUsageDays, readWithdrawn, type StoreReader } from '@px-usage/core/adapter'
import { type DayRange, daysIn, parseDayRange } from '../arguments/day-range.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { type ExportFormat, exportEvents, exportFormats } from '../export/export-events.ts'
import { lineChoices, withoutWithdrawn } from '../export/exported-events.ts'
import { type ExportReport, printExport } from '../export/print-export.ts'
import type { OutputStream } from '../output.ts'
import { isDryRun } from '../place/namespace-text.ts'
import { onlyReader, openPlace } from '../place/open-place.ts'
import { createProgress } from '../terminal/progress.ts'

interface Flags {
  format: string
  lines: string
  output?: string
}

/** Writes the events of closed days for other tools. */
export const exportCommand: CliCommand<Flags> = {
  name: 'export',
  summary: 'Write the events of closed days for other tools, as JSON lines or CSV',
  uses: ['store'],
  define: (command) =>
    void command
      .argument('<days>', 'a usage day, or a range such as 2026-11-01..2026-11-23')
      .option('--format <format>', 'ndjson, loader or csv', 'ndjson')
      .option('--lines <which>', 'all, sent or unsent', 'all')
      .option('--output <path>', 'a file; for loader a new folder (default stdout)')
      .option('--region <region>', 'region of PX for the loader: us, eu or us2 (PX_REGION)')
      .addHelpText('after', help),

  async run({ args: [given = ''], flags, settings, output, surroundings, signal }) {
    const format = oneOf('--format', flags.format, exportFormats)
    const lines = oneOf('--lines', flags.lines, lineChoices)
    const wanted = parseDayRange(given)
    checkOutput(format, flags.output, output.isJson)
    const { now, stderr, stdout, cwd } = surroundings
    const place = await openPlace(settings)
    // On a terminal that shows the events, the bar would be between them.
    const stream: OutputStream = flags.output === undefined && stdout.isTTY === true ? { write() {} } : stderr
    const begin = (label: string, total?: number) =>
      createProgress({ stream, ...{ label, unit: 'events', total, now } })
    let progress = begin('Counting')
    try {
      const reader = onlyReader(place)
      const { number, name, namespace } = reader
      const range = begun(wanted, createUsageDays(namespace.timeZone).of(now()))
      const withdrawn = await readWithdrawn(reader)
      const shown = {
        namespace,
        lines: (first: string, last?: string) => withoutWithdrawn(reader.lines(first, last), withdrawn),
      }
      const { tally, files } = await exportEvents(shown, {
        ...{ range, format, lines, path: flags.output, cwd, stdout, signal },
        region: settings.region,
        countsFirst: stream.isTTY === true,
        onCounted: () => progress.add(1),
        onTotal: (events) => {
          progress.end()
          progress = begin('Exporting', events)
        },
        onEvent: () => progress.add(1),
      })
      progress.end()
      const open = (await reader.openDays()).map(({ day }) => day)
      const { events, byState, days, attributeLines, unreadable } = tally
      const report: ExportReport = {
        ...{ number, name, ...range, timeZone: namespace.timeZone, format, lines, files },
        ...{ events, byState, attributeLines, unreadable },
        openDays: open.filter((day) => day >= range.first && day <= range.last),
        incompleteUpTo: lines === 'unsent' ? undefined : await incompleteIn(reader, range),
        daysWithoutEvents: daysIn(range).filter((day) => !days.has(day) && !open.includes(day)),
        isDryRun: isDryRun(namespace),
      }
      if (flags.output === undefined) printExport(report, (text) => output.note(text))
      else output.result(report, () => printExport(report, (text) => output.line(text)))
      const isComplete = report.openDays.length === 0 && report.incompleteUpTo === undefined
      return !isComplete || unreadable > 0 ? exitCodes.found : exitCodes.ok
    } finally {
      progress.end()
      await place.close()
    }
  },
}

/** Returns the last day of a range of which delivered events may be missing. */
async function incompleteIn(
  reader: Pick<StoreReader, 'incompleteUpTo'>,
  { first, last }: DayRange,
): Promise<string | undefined> {
  const day = await reader.incompleteUpTo()
  if (day === undefined || day < first) return undefined
  return day < last ? day : last
}

const help = `
Formats:
  ndjson   one line for each event: the body of POST /v1/events/custom of PX
  loader   CSV and config files for PX's own data loader, in a new folder
  csv      one table for a spreadsheet

Lines:
  all      every event of the days
  sent     only events that PX accepted from the service
  unsent   only events that wait, are unconfirmed or were rejected

The store keeps delivered events for 190 days, within keepSentBytes: by default
256 MiB in a folder and 64 MiB in Redis.
Ends with exit code 1 if a day is not closed yet, or if delivered events of it
are no longer kept.

Example:
  px-usage export 2026-11-01..2026-11-23 --format csv --output november.csv`

function oneOf<T extends string>(flag: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === given)
  if (found !== undefined) return found
  throw usageError(`${flag} ${given}: give ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}.`)
}

function checkOutput(format: ExportFormat, path: string | undefined, isJson: boolean): void {
  if (path !== undefined) return
  if (format === 'loader')
    throw usageError('--format loader writes several files. Give a new folder with --output.')
  if (isJson) throw usageError('--json prints a summary, so the events need a file. Give it with --output.')
}

/** @throws {CommandError} with exit code 2 for days that have not begun */
function begun(range: DayRange, today: string): DayRange {
  if (range.last > today) throw usageError(`${range.last} has not begun yet.`)
  return range
}
