import {
  createUsageDays,
  type OpenDay,
  type OutboxOverview,
  type ProcessReport,
  readProcesses,
  readRequestsToday,
  type StoreSender,
  summarizeDay,
  type UsageDays,
} from '@px-usage/core/adapter'
import type { NumberedReader } from '../place/open-place.ts'
import { waitingReason } from './waiting-reason.ts'

/** What is known of one namespace. */
export interface Status {
  readonly number: number
  readonly name: string
  readonly place: string
  readonly timeZone: string
  /** The usage day that it is now. */
  readonly today: string
  readonly sender: StoreSender | undefined
  readonly days: readonly DayStatus[]
  readonly outbox: OutboxOverview
  /** The oldest day with lines that are neither delivered nor rejected. */
  readonly oldestWaiting: { day: string; lines: number } | undefined
  readonly requests: { readonly today: number; readonly perDay: number | undefined }
  /** What the processes wrote about themselves. Empty for a service of an earlier version. */
  readonly processes: readonly ProcessReport[]
  readonly accounting: Accounting
}

interface DayStatus extends OpenDay {
  readonly calls: number
  readonly series: number
  readonly users: number
  readonly waiting: string
}

/** Numbers of all processes that wrote about themselves, running or ended. */
interface Accounting {
  readonly counted: number
  readonly stored: number
  readonly inMemory: number
  /** Calls that belong to no user, by reason. */
  readonly unattributed: Readonly<Record<string, number>>
  readonly afterClose: number
  readonly folded: number
  readonly possibleDuplicates: number
}

const defaultGraceMs = 900_000

/** Reads the status of a namespace. @throws {UsageError} if the store cannot be read */
export async function readStatus(reader: NumberedReader, nowMs: number): Promise<Status> {
  const { number, name, place, namespace } = reader
  const calendar = createUsageDays(namespace.timeZone)
  const processes = await readProcesses(reader)
  const settings = processes[0]?.settings
  const sender = await reader.sender()
  const { outbox, days } = await readDays(reader, { nowMs, calendar, graceMs: settings?.graceMs, sender })
  const oldest = outbox.days.find(({ pending, unconfirmed }) => pending + unconfirmed > 0)
  return {
    ...{ number, name, place, timeZone: namespace.timeZone, today: calendar.of(nowMs), sender, days, outbox },
    oldestWaiting: oldest && { day: oldest.day, lines: oldest.pending + oldest.unconfirmed },
    requests: {
      today: await readRequestsToday(reader, nowMs),
      perDay: settings?.maxRequestsPerDay,
    },
    processes,
    accounting: accountingOf(processes),
  }
}

/** How often days and outbox are read again because a day was closed meanwhile. */
const mostTries = 5

/**
 * Reads the outbox and the open days as of one moment. A day that is closed between the two would be missing in both, so both are
 * read again if the open days are others afterwards.
 */
async function readDays(
  reader: NumberedReader,
  known: {
    nowMs: number
    calendar: UsageDays
    graceMs: number | undefined
    sender: StoreSender | undefined
  },
): Promise<Pick<Status, 'outbox' | 'days'>> {
  const { nowMs, calendar, graceMs = defaultGraceMs, sender } = known
  for (let attempt = 1; ; attempt++) {
    const open = await reader.openDays()
    const outbox = await reader.outbox()
    const days: DayStatus[] = []
    for (const one of open) {
      const { calls, series, users } = await summarizeDay(reader.totals(one.day))
      const waiting = waitingReason(one, { nowMs, days: calendar, graceMs, sender })
      days.push({ ...one, calls, series, users, waiting })
    }
    if (attempt === mostTries || namesOf(await reader.openDays()) === namesOf(open)) return { outbox, days }
  }
}

function namesOf(open: readonly OpenDay[]): string {
  return open.map(({ day, revision }) => `${day} ${revision}`).join()
}

function accountingOf(processes: readonly ProcessReport[]): Accounting {
  const sum = (of: (report: ProcessReport) => number) =>
    processes.reduce((total, report) => total + of(report), 0)
  const unattributed: Record<string, number> = {}
  for (const { calls } of processes) {
    for (const [reason, times] of Object.entries(calls.unattributed)) {
      if (times > 0) unattributed[reason] = (unattributed[reason] ?? 0) + times
    }
  }
  return {
    counted: sum(({ calls }) => calls.counted),
    stored: sum(({ calls }) => calls.stored),
    inMemory: sum(({ calls }) => calls.inMemory),
    unattributed,
    afterClose: sum(({ calls }) => calls.afterClose),
    folded: sum(({ calls }) => Object.values(calls.folded).reduce((total, times) => total + times, 0)),
    // Over restarts and processes; the one that sends has the number.
    possibleDuplicates: Math.max(0, ...processes.map(({ delivery }) => delivery.possibleDuplicates)),
  }
}
