import { createUsageDays, type UsageDays } from '@px-usage/core/adapter'
import { daysIn, shiftDay } from '../arguments/day-range.ts'
import { repeated } from '../arguments/parse-arguments.ts'
import { readPxEvents } from '../audit/read-px-events.ts'
import { countEvents } from '../budget/count-events.ts'
import { type EventSource, EventSources } from '../budget/event-sources.ts'
import { type MonthOutlook, monthOutlook } from '../budget/month-outlook.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import type { Output } from '../output.ts'
import { connectToPx } from '../px/px-connection.ts'
import { zoneOf } from '../px/time-zone.ts'
import { createProgress } from '../terminal/progress.ts'
import { formatCount } from '../terminal-text.ts'

interface Flags {
  contract?: string
  event: string[]
  days: string
}

interface BudgetReport {
  readonly month: string
  readonly lastDay: string
  readonly contract: number | undefined
  readonly byName: readonly MonthOutlook[]
  readonly total: MonthOutlook
  readonly sources: readonly EventSource[]
}

const defaultNames = ['dailyApiCalls', 'dailyEndpointCalls']

/** Forecasts the events of this month and the next, and shows what makes them. */
export const budget: CliCommand<Flags> = {
  name: 'budget',
  summary: 'Forecast the events of a month, by name, against a contract',
  uses: ['store', 'px'],
  define: (command) =>
    void command
      .option('--contract <events>', 'events a month that the contract includes')
      .option(
        '--event <name>',
        `an event name; may be repeated (default ${defaultNames.join(', ')})`,
        repeated,
      )
      .option('--days <number>', 'days of the past that the forecast uses, 28 to 180', '60')
      .addHelpText(
        'after',
        '\nTakes a request for each name and day, and reads the events of the last day.\nNeeds the Read permission, and reads only. Ends with exit code 1 if more events\nare expected this month than the contract includes.\n\nExample:\n  px-usage budget --contract 500000',
      ),

  async run({ flags, settings, output, surroundings, signal }) {
    const { now, stderr } = surroundings
    const contract =
      flags.contract === undefined ? undefined : wholeNumber('--contract', flags.contract, 1, 1e12)
    const length = wholeNumber('--days', flags.days, 28, 180)
    const names = flags.event ?? defaultNames
    const days = createUsageDays(zoneOf(settings))
    const px = connectToPx(settings)
    const lastDay = shiftDay(days.of(now()), -1)
    const dayList = daysIn({ first: shiftDay(lastDay, 1 - length), last: lastDay })
    const progress = createProgress({
      ...{ stream: stderr, label: 'Counting events in PX', unit: 'days', now },
      total: names.length * length,
    })
    try {
      const byName: MonthOutlook[] = []
      const all = dayList.map(() => 0)
      const used: string[] = []
      for (const eventName of names) {
        const onDay = () => progress.add(1)
        const counts = await countEvents(px, { eventName, dayList, days, signal, onDay })
        for (const [at, count] of counts.entries()) all[at] = (all[at] ?? 0) + count
        byName.push(monthOutlook(eventName, dayList, counts))
        if ((counts.at(-1) ?? 0) > 0) used.push(eventName)
      }
      progress.end()
      const total: MonthOutlook = {
        eventName: 'all',
        soFar: byName.reduce((sum, { soFar }) => sum + soFar, 0),
        thisMonth: byName.reduce((sum, { thisMonth }) => sum + thisMonth, 0),
        nextMonth: byName.reduce((sum, { nextMonth }) => sum + nextMonth, 0),
      }
      const sources = await sourcesOf(used, lastDay, days)
      const report = { month: lastDay.slice(0, 7), lastDay, contract, byName, total, sources }
      output.result(report, () => printBudget(report, output))
      return contract !== undefined && total.thisMonth > contract ? exitCodes.found : exitCodes.ok
    } finally {
      progress.end()
      await px.close()
    }

    async function sourcesOf(used: readonly string[], day: string, days: UsageDays): Promise<EventSource[]> {
      const { startMs, endMs } = days.bounds(day)
      const found: EventSource[] = []
      for (const eventName of used) {
        const source = new EventSources(eventName)
        await readPxEvents(px, {
          ...{ names: [eventName], startMs, endMs: endMs - 1, pageSize: 1_000, signal },
          onEvent: (event) => source.see(event),
          onPage: () => {},
        })
        found.push(source.result())
      }
      return found
    }
  },
}

function printBudget(
  { month, lastDay, contract, byName, total, sources }: BudgetReport,
  output: Output,
): void {
  output.heading(`Events of ${month}, closed days up to ${lastDay}`)
  const share = (events: number) =>
    contract === undefined ? [] : [`${Math.round((events / contract) * 100)} %`]
  output.table({
    columns: [
      ...['Event', 'So far', 'Expected', 'Next month'],
      ...(contract === undefined ? [] : ['Of contract']),
    ],
    rows: [...byName, ...(byName.length > 1 ? [total] : [])].map(
      ({ eventName, soFar, thisMonth, nextMonth }) => [
        ...[eventName, soFar, thisMonth, nextMonth],
        ...share(thisMonth),
      ],
    ),
  })
  if (contract !== undefined) printContract(total, contract, output)
  for (const { eventName, events, identities, savings } of sources) {
    const each = formatCount(Math.round((events / Math.max(1, identities)) * 10) / 10)
    output.line(
      `${eventName} on ${lastDay}: ${formatCount(events)} events of ${formatCount(identities)} users, ${each} each`,
    )
    if (savings.length === 0) continue
    output.table({
      columns: ['To save events', 'A day', 'Share'],
      rows: savings.map(({ change, saved }) => [change, saved, `${Math.round((saved / events) * 100)} %`]),
    })
  }
}

function printContract({ thisMonth, nextMonth }: MonthOutlook, contract: number, output: Output): void {
  const includes = `The contract includes ${formatCount(contract)} events a month`
  const over = (events: number) => formatCount(events - contract)
  if (thisMonth > contract) {
    output.line(output.style('red', `${includes}: ${over(thisMonth)} too few for this month.`))
  } else if (nextMonth > contract) {
    output.line(
      output.style('yellow', `${includes}: enough this month, ${over(nextMonth)} too few next month.`),
    )
  } else output.line(output.style('green', `${includes}: enough this month and next.`))
}

function wholeNumber(flag: string, given: string, least: number, most: number): number {
  const number = Number(given)
  if (/^\d+$/.test(given) && number >= least && number <= most) return number
  throw usageError(`${flag} ${given}: give a whole number from ${least} to ${most}.`)
}
