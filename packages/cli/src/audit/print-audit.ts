import type { Output } from '../output.ts'
import { counted, formatCount } from '../terminal-text.ts'
import type { EventFault, NameTotals, UntrueAverage } from './comparison.ts'

/** What an audit found. It is what `--json` prints. */
export interface AuditReport {
  readonly first: string
  readonly last: string
  readonly timeZone: string
  readonly record: string
  readonly requests: number
  readonly totals: readonly NameTotals[]
  readonly daysWithoutRecord: readonly string[]
  /** Faults in all; `faults` has the first ones only, as many as `--limit` allows. */
  readonly faultCount: number
  readonly faults: readonly EventFault[]
  readonly untrueAverageCount: number
  readonly untrueAverages: readonly UntrueAverage[]
}

/** Rows of a list that people read. `--json` has more. */
const shownRows = 20

/** Prints the totals by event, the faults by user, and the days whose Average is not true. */
export function printAudit(report: AuditReport, output: Output): void {
  const { first, last, timeZone, totals, requests, daysWithoutRecord } = report
  const range = first === last ? first : `${first} to ${last}`
  output.heading(`Audit of ${range} (${timeZone}), ${counted(requests, 'request')}`)
  if (totals.length === 0) output.line('  Neither the record nor PX has an event of these days.')
  else printTotals(totals, output)
  printFaults(report, output)
  printAverages(report, output)
  if (daysWithoutRecord.length > 0) {
    const [from, to] = [daysWithoutRecord[0], daysWithoutRecord.at(-1)]
    const which =
      daysWithoutRecord.length === 1 ? from : `${daysWithoutRecord.length} days (${from} to ${to})`
    output.line(`No record of ${which}: there only repeated events and those of other senders are found.`)
  }
}

function printTotals(totals: readonly NameTotals[], output: Output): void {
  output.table({
    columns: ['Event', 'Sent', 'In PX', 'Missing', 'Doubled', 'Changed', 'Foreign'],
    rows: totals.map(({ eventName, sent, inPx, faults }) => {
      const { missing, doubled, changed, foreign } = faults
      return [eventName, sent, inPx, missing, doubled, changed, foreign]
    }),
  })
  output.table({
    columns: ['Sum of', 'Sent', 'In PX', 'Difference'],
    rows: totals.flatMap(({ eventName, sentSums, pxSums }) =>
      [...new Set([...Object.keys(sentSums), ...Object.keys(pxSums)])].map((name) => {
        const [sent, inPx] = [sentSums[name] ?? 0, pxSums[name] ?? 0]
        return [`${eventName} ${name}`, sent, inPx, inPx - sent]
      }),
    ),
  })
}

function printFaults({ faults, faultCount }: AuditReport, output: Output): void {
  if (faultCount === 0) {
    output.line(output.style('green', 'PX has each event once, as it was sent.'))
    return
  }
  output.heading(output.style('red', `${counted(faultCount, 'fault')}, by user`))
  const byUser = [...faults].sort((a, b) => compareTexts(a.userId, b.userId) || compareTexts(a.day, b.day))
  output.table({
    columns: ['User', 'Account', 'Day', 'Event', 'Fault', 'Detail'],
    rows: byUser.slice(0, shownRows).map(({ userId, accountId, day, eventName, kind, detail }) => {
      return [userId, accountId, day, eventName, kind, detail]
    }),
  })
  more(faultCount - shownRows, output)
}

function printAverages({ untrueAverages, untrueAverageCount }: AuditReport, output: Output): void {
  if (untrueAverageCount === 0) return
  const title = 'Late counts made a second event, so the Average is not true (the Sum is)'
  output.heading(output.style('yellow', title))
  output.table({
    columns: ['User', 'Account', 'Day', 'Event'],
    rows: untrueAverages
      .slice(0, shownRows)
      .map(({ userId, accountId, day, eventName }) => [userId, accountId, day, eventName]),
  })
  more(untrueAverageCount - shownRows, output)
}

function more(count: number, output: Output): void {
  if (count > 0) output.line(`  ... and ${formatCount(count)} more. --json lists them.`)
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
