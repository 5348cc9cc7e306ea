import type { StoreReader } from '@px-usage/core/adapter'
import type { CliCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts'
import { openServicePlace } from '../place/service-place.ts'
import { counted, formatTime } from '../terminal-text.ts'
import { type BackfillFlags, pastDaysOf } from './backfill-flags.ts'
import { type Backfill, createLedger, readLedger } from './ledger.ts'
import { openOutbox } from './open-outbox.ts'
import { type BackfillState, revertBackfill, stateOf, waitingOf } from './revert-backfill.ts'

type ListedBackfill = Omit<Backfill, 'days' | 'revertedAtMs'> &
  BackfillState & {
    readonly revertedAtMs: number | undefined
    readonly first: string | undefined
    readonly last: string | undefined
  }

type Context = Parameters<CliCommand<BackfillFlags>['run']>[0]

/** Opens what a backfill is in for reading. @throws {CommandError} with exit code 2 if no service has counted there */
async function openBackfills({ settings, flags, output }: Context) {
  const past = pastDaysOf(settings, flags, ({ message }) => output.note(message))
  const { reader, close } = await openServicePlace(settings, past.context, { mayBeNew: false })
  return { past, reader: reader as StoreReader, close }
}

/** Lists the backfills of the service, with what became of their events. */
export async function listBackfills(context: Context): Promise<ExitCode> {
  const { output } = context
  const { reader, close } = await openBackfills(context)
  try {
    const backfills = await readLedger(reader)
    const waiting = await waitingOf(
      reader,
      backfills.map(({ name }) => name),
    )
    const rows = backfills.map((backfill) => {
      const { name, createdAtMs, revertedAtMs, logs, days } = backfill
      const range = [days[0]?.day, days.at(-1)?.day]
      const state = stateOf(backfill, waiting.get(name) ?? new Map())
      return { name, createdAtMs, revertedAtMs, logs, first: range[0], last: range[1], ...state }
    })
    output.result(rows, () => printList(output, rows))
    return exitCodes.ok
  } finally {
    await close()
  }
}

function printList(output: Context['output'], rows: readonly ListedBackfill[]): void {
  if (rows.length === 0) output.line('No backfills.')
  for (const row of rows) {
    output.heading(row.name)
    output.facts([
      ['made', formatTime(row.createdAtMs)],
      ...(row.revertedAtMs === undefined ? [] : [['reverted', formatTime(row.revertedAtMs)] as const]),
      ['days', row.first === row.last ? `${row.first}` : `${row.first} to ${row.last}`],
      ['logs', row.logs.join('\n')],
      ['events', stateText(row)],
    ])
  }
}

function stateText(state: ReturnType<typeof stateOf>): string {
  const names = ['delivered', 'pending', 'unconfirmed', 'rejected', 'withdrawn'] as const
  const parts = names.filter((name) => state[name] > 0).map((name) => `${state[name]} ${name}`)
  return `${counted(state.queued, 'event')}: ${parts.join(', ') || 'none queued'}`
}

/** Withdraws the unsent events of one backfill. */
export async function revertNamed(name: string, context: Context): Promise<ExitCode> {
  const { flags, settings, output, surroundings } = context
  const { past, close } = await openBackfills(context)
  await close()
  const store = await openOutbox(settings, past)
  try {
    const ledger = createLedger(store)
    const known = await ledger.list()
    const backfill: Backfill | undefined = known.find((one) => one.name === name)
    if (backfill === undefined) {
      const names = known.map((one) => JSON.stringify(one.name)).join(', ') || 'none'
      throw usageError(`There is no backfill ${JSON.stringify(name)}. Backfills here: ${names}.`)
    }
    if (backfill.revertedAtMs !== undefined) {
      throw usageError(
        `${JSON.stringify(name)} was reverted already, at ${formatTime(backfill.revertedAtMs)}.`,
      )
    }
    const before = stateOf(backfill, (await waitingOf(store, [name])).get(name) ?? new Map())
    const question = `Withdraw ${counted(before.pending, 'unsent event')} of backfill ${JSON.stringify(name)}?`
    await confirm(question, { isSure: flags.yes === true, surroundings })
    const state = await revertBackfill({ store, ledger, now: surroundings.now }, backfill)
    output.result({ name, ...state }, () => {
      output.line(`Withdrawn: ${counted(state.withdrawn, 'event')} that PX does not have.`)
      if (state.delivered > 0) {
        output.line(`PX has ${counted(state.delivered, 'event')} of it. PX events cannot be deleted.`)
      }
      if (state.unconfirmed > 0) {
        output.line(`PX may have ${counted(state.unconfirmed, 'event')}. px-usage looks them up as usual.`)
      }
    })
    return exitCodes.ok
  } finally {
    await store.close()
  }
}
