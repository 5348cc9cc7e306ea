import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import type { Store } from '@px-usage/core'
import type { PastDays, StoreReader } from '@px-usage/core/adapter'
import type { CliCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { type ExitCode, exitCodes, failedError, usageError } from '../exit-codes.ts'
import { logFormat } from '../logs/log-formats.ts'
import { openServicePlace } from '../place/service-place.ts'
import { readRoutes } from '../routes/read-routes.ts'
import { createRouteMatcher } from '../routes/route-matcher.ts'
import { createProgress } from '../terminal/progress.ts'
import { counted, oneLine } from '../terminal-text.ts'
import { type BackfillFlags, type BackfillOptions, parseBackfillFlags, pastDaysOf } from './backfill-flags.ts'
import { countLogs } from './count-logs.ts'
import { type Backfill, createLedger, readLedger } from './ledger.ts'
import { createLogIdentity } from './log-identity.ts'
import { openOutbox } from './open-outbox.ts'
import { interruptedName, planDays } from './plan-days.ts'
import { advice, type PlannedDay, printDays, printReconciliation, whyNothing } from './print-backfill.ts'
import { queueDays, sizeOf } from './queue-days.ts'
import { addsUp, type Reconciliation } from './reconciliation.ts'
import { createScratchFile, type ScratchFile } from './scratch-file.ts'

type Context = Parameters<CliCommand<BackfillFlags>['run']>[0]

/** PX keeps events for 36 months. */
const keptMonths = 36

/** Counts the calls of logs, shows what they become, and queues it after a confirmation. */
export async function runBackfill(logs: readonly string[], context: Context): Promise<ExitCode> {
  const { flags, settings, output, surroundings } = context
  const options = parseBackfillFlags(flags)
  if (flags.routes === undefined) {
    throw usageError(
      '--routes is missing. Give a file with the route templates of the service, so that endpoints have the same names as live ones.',
    )
  }
  if (settings.productKey === undefined && flags.forExport !== true) {
    throw usageError(
      'The product key is missing. Give --product-key or PX_PRODUCT_KEY, the one of the service.',
    )
  }
  const past = pastDaysOf(settings, flags, ({ message }) => output.note(message))
  // Events for `export` only are kept apart from those of services, so no service counts there.
  const mayBeNew = flags.newNamespace === true || flags.forExport === true
  // Before the logs are read, which may take minutes.
  const place = await openServicePlace(settings, past.context, {
    mayBeNew,
    advice: ' --new-namespace goes on, for a service that will start there.',
  })
  const scratch = createScratchFile(tmpdir())
  try {
    const found = await count(logs, { ...context, past, scratch, options })
    if (!addsUp(found))
      throw failedError('The numbers of the lines do not add up. Nothing was queued. Please report this.')
    const { reader } = place
    const planned = await plan({ reader, past, found, name: options.name, flags, nowMs: surroundings.now() })
    return await confirmAndQueue(logs, { ...context, past, found, ...planned })
  } finally {
    scratch.close()
    await place.close()
  }
}

async function count(
  logs: readonly string[],
  {
    flags,
    surroundings,
    signal,
    past,
    scratch,
    options,
  }: Context & { past: PastDays; scratch: ScratchFile; options: BackfillOptions },
): Promise<Reconciliation> {
  const { cwd, stdin, stderr, now } = surroundings
  const paths = logs.map((path) => (path === '-' ? path : resolve(cwd, path)))
  const routes = createRouteMatcher(await readRoutes(flags.routes as string, cwd))
  const identify = await createLogIdentity(
    { identify: flags.identify, key: flags.key, account: flags.account },
    cwd,
  )
  const bar = createProgress({
    stream: stderr,
    ...{ label: 'Reading', unit: 'MB', total: await megabytesOf(paths), now },
  })
  let shown = 0
  try {
    const { today, oldest } = limitsOf(past, now())
    return await countLogs(paths, stdin, {
      ...{ past, scratch, identify, routes, today, oldest, signal, from: options.from, to: options.to },
      ignored: createRouteMatcher((flags.ignore ?? []).map((route) => ({ method: undefined, route }))),
      formatOf: (sample) => logFormat(options.format, options.fields, sample),
      onProgress(bytes) {
        const megabytes = Math.floor(bytes / 1e6)
        bar.add(megabytes - shown)
        shown = megabytes
      },
    })
  } finally {
    bar.end()
  }
}

async function megabytesOf(paths: readonly string[]): Promise<number | undefined> {
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  )
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? Number.NaN), 0)
  return Number.isNaN(bytes) ? undefined : Math.ceil(bytes / 1e6)
}

function limitsOf(past: PastDays, nowMs: number): { today: string; oldest: string } {
  const then = new Date(nowMs)
  then.setUTCMonth(then.getUTCMonth() - keptMonths)
  return { today: past.dayOf(nowMs), oldest: past.dayOf(then.getTime()) }
}

interface Planned {
  readonly name: string
  readonly days: readonly PlannedDay[]
}

/** Decides what happens to each day. It only reads the store, so a preview leaves nothing there. */
async function plan(given: {
  reader: StoreReader | undefined
  past: PastDays
  found: Reconciliation
  name: string | undefined
  flags: BackfillFlags
  nowMs: number
}): Promise<Planned> {
  const { reader, past, found, flags, nowMs } = given
  const known = reader === undefined ? [] : await readLedger(reader)
  const interrupted = interruptedName(known, found.marks)
  const name = interrupted ?? given.name ?? freeName(known, nowMs)
  if (interrupted === undefined && known.some((one) => one.name === name)) {
    throw usageError(`There is a backfill ${JSON.stringify(name)} already. Give another --name.`)
  }
  const counted = past.days()
  const revisions = new Map<string, number>()
  for (const day of counted) revisions.set(day, (await reader?.revisionOf(day)) ?? 0)
  const openDays = ((await reader?.openDays()) ?? []).map(({ day }) => day)
  const mayRevise = flags.revision === true
  const plans = planDays(counted, { name, marks: found.marks, known, openDays, revisions, mayRevise })
  const days: PlannedDay[] = []
  for (const day of plans) {
    const { events, calls } = await sizeOf(past, day.day, { revision: day.revision, backfill: name })
    if (calls !== past.callsOf(day.day)) {
      throw failedError(
        `The events of ${day.day} have ${calls} calls, not ${past.callsOf(day.day)}. Please report this.`,
      )
    }
    days.push({ ...day, events, calls })
  }
  return { name, days }
}

/** Returns the time as a name, with a number if a backfill of the same second has it. */
function freeName(known: readonly Backfill[], nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19)
  for (let number = 1; ; number++) {
    const name = number === 1 ? time : `${time}-${number}`
    if (!known.some((one) => one.name === name)) return name
  }
}

async function confirmAndQueue(
  logs: readonly string[],
  context: Context & Planned & { past: PastDays; found: Reconciliation },
): Promise<ExitCode> {
  const { flags, output, settings, surroundings, past, found, name, days } = context
  const refused = days.filter(({ action }) => action === 'refused')
  const queued = days.filter(({ action }) => action === 'queue')
  const events = eventsOf(queued)
  const report = (isQueued: boolean) => {
    const { marks: _, unmatchedPaths, ...lines } = found
    const paths = Object.fromEntries(unmatchedPaths)
    output.result({ name, isQueued, events, lines: { ...lines, unmatchedPaths: paths }, days }, () => {})
  }
  if (!output.isJson) {
    printReconciliation(output, found)
    printDays(output, days)
    if (events > 0)
      output.facts(advice({ events, days, timeZone: past.context.timeZone }).map((text) => ['-', text]))
  }
  if (found.counted === 0 && found.lines > 0) {
    report(false)
    output.note(`Nothing was queued: ${whyNothing(found)}`)
    return exitCodes.found
  }
  if (refused.length > 0) {
    report(false)
    output.note(
      `Nothing was queued: ${counted(refused.length, 'day')} refused, the first is ${refused[0]?.day} (${refused[0]?.reason}). Leave them out with --from and --to, or add the calls with --revision.`,
    )
    return exitCodes.found
  }
  if (events === 0 || flags.preview === true) {
    report(false)
    if (!output.isJson)
      output.line(events === 0 ? 'Nothing new to queue.' : 'Nothing was queued: this is a preview.')
    return exitCodes.ok
  }
  const question = `Queue ${counted(events, 'event')} of ${counted(queued.length, 'day')} as backfill ${JSON.stringify(name)}?`
  await confirm(question, { isSure: flags.yes === true, surroundings })
  const store = await openOutbox(settings, past)
  try {
    await queue(logs, { ...context, store })
  } finally {
    await store.close()
  }
  report(true)
  if (!output.isJson) {
    output.line(`Queued ${counted(events, 'event')} as backfill ${JSON.stringify(name)}.`)
    output.line('List backfills: px-usage backfill list')
    output.line(`Withdraw what is unsent: px-usage backfill revert ${JSON.stringify(name)}`)
  }
  return exitCodes.ok
}

async function queue(
  logs: readonly string[],
  context: Context & Planned & { past: PastDays; found: Reconciliation; store: Store },
): Promise<void> {
  const { surroundings, past, found, store, name, days, signal } = context
  const queued = days.filter(({ action }) => action === 'queue')
  const ledger = createLedger(store)
  const interrupted = (await ledger.list()).find((one) => one.name === name)
  const backfill: Backfill = {
    name,
    createdAtMs: interrupted?.createdAtMs ?? surroundings.now(),
    logs: logs.map((path) => oneLine(path)),
    days: [
      ...(interrupted?.days.filter(({ day }) => !queued.some((one) => one.day === day)) ?? []),
      ...queued.map(({ day, revision, calls, events, queued: before }) => ({
        ...{ day, revision, calls, events, queued: before },
        ...(found.marks.get(day) as NonNullable<ReturnType<typeof found.marks.get>>),
      })),
    ],
  }
  const bar = createProgress({
    stream: surroundings.stderr,
    ...{ label: 'Queueing', unit: 'events', total: eventsOf(queued), now: surroundings.now },
  })
  await queueDays({ store, ledger, past }, backfill, (lines) => bar.add(lines), signal).finally(() =>
    bar.end(),
  )
}

function eventsOf(days: readonly PlannedDay[]): number {
  return days.reduce((sum, day) => sum + day.events - day.queued, 0)
}
