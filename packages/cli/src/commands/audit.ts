import { createUsageDays } from '@px-usage/core/adapter'
import { type DayRange, parseDayRange, shiftDay } from '../arguments/day-range.ts'
import { repeated } from '../arguments/parse-arguments.ts'
import type { EventFault, UntrueAverage } from '../audit/comparison.ts'
import { printAudit } from '../audit/print-audit.ts'
import { runAudit } from '../audit/run-audit.ts'
import { sentFiles } from '../audit/sent-files.ts'
import { storedLines } from '../audit/stored-lines.ts'
import type { CliCommand, CommandContext } from '../command.ts'
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts'
import { type NumberedReader, openPlace, sendingReader } from '../place/open-place.ts'
import { readableDays } from '../px/events-query.ts'
import { connectToPx } from '../px/px-connection.ts'
import { zoneOf } from '../px/time-zone.ts'
import { createProgress } from '../terminal/progress.ts'

interface Flags {
  sent: string[]
  event: string[]
  limit: string
  pageSize: string
}

/** Compares what PX holds of some days with what was sent. */
export const audit: CliCommand<Flags> = {
  name: 'audit',
  summary: 'Compare what PX holds of a day or a range with what was sent',
  uses: ['store', 'px'],
  define: (command) =>
    void command
      .argument('<days>', 'a usage day, or a range such as 2026-11-01..2026-11-23')
      .option('--sent <file>', 'JSON lines of what was sent, also .gz; repeatable', repeated, [])
      .option('--event <name>', 'look for foreign events of this name too', repeated, [])
      .option('--limit <number>', 'faults of each kind of list in the JSON', '10000')
      .option('--page-size <number>', 'events in a request, 1 to 1000', '1000')
      .addHelpText(
        'after',
        `\nWithout --sent it compares with what the folder or the Redis of the service\nkeeps of sent days. PX can be read for ${readableDays} days. Needs the Read\npermission, and reads only. Ends with exit code 1 if something is missing,\ndoubled, changed or foreign.\n\nExample:\n  px-usage audit 2026-11-01..2026-11-23 --sent november.ndjson.gz`,
      ),

  async run(context) {
    const { args, flags, settings } = context
    const range = parseDayRange(args[0] ?? '')
    if (flags.sent.length > 0) return compare(context, range, undefined)
    const place = await openPlace(settings)
    try {
      return await compare(context, range, sendingReader(place))
    } finally {
      await place.close()
    }
  },
}

/** Compares with the record in files, or with that of a store. */
async function compare(
  { flags, settings, output, surroundings, signal }: CommandContext<Flags>,
  wanted: DayRange,
  reader: NumberedReader | undefined,
): Promise<ExitCode> {
  const { now, stderr } = surroundings
  const limit = numberIn('--limit', flags.limit, 0, Number.MAX_SAFE_INTEGER)
  const pageSize = numberIn('--page-size', flags.pageSize, 1, 1_000)
  const zone = settings.timeZone === undefined ? reader?.namespace.timeZone : undefined
  const days = createUsageDays(zone ?? zoneOf(settings))
  const range = readable(wanted, days.of(now()))
  const record = reader ? storedLines(reader, range, days.of) : sentFiles(flags.sent, days.of)
  const px = connectToPx(settings)
  const progress = createProgress({
    stream: stderr,
    label: 'Reading PX',
    unit: 'pages',
    total: undefined,
    now,
  })
  const faults: EventFault[] = []
  const untrueAverages: UntrueAverage[] = []
  let [faultCount, untrueAverageCount] = [0, 0]
  try {
    const { totals, daysWithoutRecord } = await runAudit(px, {
      ...{ range, days, record, names: flags.event, pageSize, signal },
      productKey: settings.productKey,
      onFault(fault) {
        faultCount += 1
        if (faults.length < limit) faults.push(fault)
      },
      onUntrueAverage(average) {
        untrueAverageCount += 1
        if (untrueAverages.length < limit) untrueAverages.push(average)
      },
      onPages: progress.setTotal,
      onPage: () => progress.add(1),
    })
    progress.end()
    const report = {
      ...range,
      ...{
        timeZone: days.timeZone,
        record: record.place,
        requests: px.requests,
        totals,
        daysWithoutRecord,
      },
      ...{ faultCount, faults, untrueAverageCount, untrueAverages },
    }
    output.result(report, () => printAudit(report, output))
    return faultCount > 0 ? exitCodes.found : exitCodes.ok
  } finally {
    progress.end()
    await px.close()
  }
}

/** Returns the range if PX can be read for it and it has begun. @throws {CommandError} with exit code 2 */
function readable(range: DayRange, today: string): DayRange {
  const oldest = shiftDay(today, 1 - readableDays)
  if (range.first < oldest) {
    throw usageError(`${range.first} is too old: PX can be read for ${readableDays} days, from ${oldest} on.`)
  }
  if (range.last > today) throw usageError(`${range.last} has not begun yet.`)
  return range
}

function numberIn(flag: string, given: string, least: number, most: number): number {
  const number = Number(given)
  if (/^\d+$/.test(given) && number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw usageError(`${flag} ${given}: give a whole number ${range}.`)
}
