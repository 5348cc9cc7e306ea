import { counted, formatCount } from '../terminal-text.ts'
import type { WrittenFile } from './export-events.ts'
import type { ExportTally } from './exported-events.ts'

/** What an export wrote. It is what `--json` prints. */
export interface ExportReport extends Omit<ExportTally, 'days'> {
  readonly number: number
  readonly name: string
  readonly first: string
  readonly last: string
  readonly timeZone: string
  readonly format: string
  readonly lines: string
  /** Empty for stdout. */
  readonly files: readonly WrittenFile[]
  /** Days that have counts which are not closed: their events, or some of them, do not exist yet. */
  readonly openDays: readonly string[]
  /** The last day of the range of which delivered events may be missing. */
  readonly incompleteUpTo: string | undefined
  /** Closed days without an event in the export. */
  readonly daysWithoutEvents: readonly string[]
  /** Whether the service counted without sending. Otherwise it may send these events to PX itself. */
  readonly isDryRun: boolean
}

/** Prints what was exported, and what the reader of the files must know. */
export function printExport(report: ExportReport, print: (text: string) => void): void {
  const { first, last, timeZone, lines, events, byState, files } = report
  const range = first === last ? first : `${first} to ${last}`
  const states = Object.entries(byState).map(([state, number]) => `${formatCount(number)} ${state}`)
  const parts = states.length > 0 ? `: ${states.join(', ')}` : ''
  print(`Exported ${counted(events, 'event')} of ${range} (${timeZone})${parts}.`)
  for (const { path, config, events } of files) {
    print(`  ${path}  ${counted(events, 'event')}`)
    if (config !== undefined) print(`  ${config}`)
  }
  const { openDays, incompleteUpTo, daysWithoutEvents, attributeLines, unreadable } = report
  if (openDays.length > 0)
    print(`Not closed yet, so not complete: ${daysText(openDays)}. Export again after the close.`)
  if (incompleteUpTo !== undefined)
    print(`Delivered events up to ${incompleteUpTo} are not kept, or not all of them.`)
  if (lines === 'all' && daysWithoutEvents.length > 0)
    print(`No events of ${daysText(daysWithoutEvents)}: there were no calls.`)
  if (attributeLines > 0)
    print(`Left out: ${counted(attributeLines, 'update')} of user or account attributes.`)
  if (unreadable > 0) print(`Left out: ${counted(unreadable, 'line')} whose body is no JSON.`)
  if (!report.isDryRun && events > 0)
    print('If the service sends to PX, loading these events there doubles them.')
}

function daysText(days: readonly string[]): string {
  return days.length <= 3 ? days.join(', ') : `${days.length} days (${days[0]} to ${days.at(-1)})`
}
