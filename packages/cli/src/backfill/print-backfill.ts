import { type JunkReason, junkReasons } from '../logs/log-line.ts'
import type { Output } from '../output.ts'
import { counted, formatCount } from '../terminal-text.ts'
import type { DayPlan } from './plan-days.ts'
import { type Reconciliation, sumOf } from './reconciliation.ts'

/** A day with its plan, and what it becomes. */
export interface PlannedDay extends DayPlan {
  readonly calls: number
  readonly events: number
}

const longestList = 40
const shownPaths = 5
const identityReasons: Readonly<Record<keyof Reconciliation['withoutIdentity'], string>> = {
  anonymous: 'without a user',
  invalid: 'an identity that is not valid',
  threw: 'the module threw',
  rejected: 'the module rejected',
  timedOut: 'the module took too long',
  overloaded: 'too many at the same time',
}

/** Prints what became of every line, so that the numbers can be compared with the log. */
export function printReconciliation(output: Output, found: Reconciliation): void {
  output.heading('Lines')
  const junk = sumOf(found.junk)
  const without = Object.entries(found.withoutIdentity) as Array<[keyof typeof identityReasons, number]>
  const rows: Array<[string, number, string]> = [
    ['read', found.lines, ''],
    ['parsed', found.lines - junk, ''],
    ['junk', junk, junk === 0 ? '' : 'see below'],
    ['ignored', found.ignored, 'OPTIONS, and routes of --ignore'],
    ['outside', found.outside, 'of --from and --to'],
    ['too old', found.tooOld, 'PX keeps 36 months'],
    ['not over', found.notOver, 'today and later, by the zone'],
    ...without.map(([reason, lines]): [string, number, string] => [
      'no identity',
      lines,
      identityReasons[reason],
    ]),
    ['counted', found.counted, 'the sum of all days below'],
  ]
  const always = new Set(['read', 'parsed', 'junk', 'counted'])
  output.table({
    columns: ['what', 'lines', 'note'],
    rows: rows.filter(([name, lines]) => lines > 0 || always.has(name)),
  })
  if (junk > 0) {
    output.heading('Junk')
    const reasons = Object.entries(found.junk) as Array<[JunkReason, number]>
    output.table({
      columns: ['reason', 'lines', 'example'],
      rows: reasons
        .filter(([, lines]) => lines > 0)
        .map(([reason, lines]) => [
          junkReasons[reason],
          lines,
          found.junkSamples.find((sample) => sample.reason === reason)?.line ?? '',
        ]),
    })
  }
  if (found.unmatchedPaths.size === 0) return
  output.heading(`Paths that match no route (${counted(found.unmatched, 'call')} in all)`)
  const paths = [...found.unmatchedPaths].sort((a, b) => b[1] - a[1]).slice(0, shownPaths)
  output.table({ columns: ['path', 'calls'], rows: paths })
}

/** Returns why no call of the logs was counted. A typing error must not look like a day without calls. */
export function whyNothing({ lines, junk, withoutIdentity }: Reconciliation): string {
  if (sumOf(junk) === lines) return 'no line could be parsed. Check --format.'
  if (sumOf(junk) + sumOf(withoutIdentity) === lines) return 'no call has a user. Check --identify.'
  return 'no call was counted, see the lines.'
}

/** Prints what becomes of each day. Of many days the middle is left out, unless they differ in more than their numbers. */
export function printDays(output: Output, days: readonly PlannedDay[]): void {
  if (days.length === 0) return
  output.heading('Days')
  const rows = days.map(({ day, calls, events, action, reason }) => [
    day,
    calls,
    events,
    [action, reason].filter((text) => text !== '').join(', '),
  ])
  const hidden = rows.length > longestList ? rows.length - longestList : 0
  const shown = hidden === 0 ? rows : [...rows.slice(0, longestList / 2), ...rows.slice(-longestList / 2)]
  output.table({ columns: ['day', 'calls', 'events', 'what happens'], rows: shown })
  if (hidden > 0) output.line(`  (${counted(hidden, 'day')} between them not shown; --json has all)`)
}

/** How many requests a day px-usage sends by default. */
const requestsPerDay = 800_000

/** Returns what an operator should know before the events are queued. */
export function advice(given: { events: number; days: readonly PlannedDay[]; timeZone: string }): string[] {
  const { events, days, timeZone } = given
  const ofRevision = days.filter(({ action, revision }) => action === 'queue' && revision > 0).length
  const daysOfSending = Math.ceil(events / requestsPerDay)
  return [
    `Days are those of the zone ${timeZone}. A service with another zone would count other days.`,
    'PX events cannot be deleted. PX does not document how old an event may be: queue one day first (--from, --to) and look at it in PX.',
    ...(daysOfSending > 1
      ? [
          `At ${formatCount(requestsPerDay)} requests a day PX has these events after ${counted(daysOfSending, 'day')}. Older days are sent first, so live days wait.`,
        ]
      : []),
    ...(ofRevision > 0
      ? [
          `${counted(ofRevision, 'day')} with a second event for each user: Sum stays right, PX's Average does not.`,
        ]
      : []),
  ]
}
