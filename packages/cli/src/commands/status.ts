import { setTimeout as delay } from 'node:timers/promises'
import type { CliCommand } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { openPlace } from '../place/open-place.ts'
import { printStatus } from '../status/print-status.ts'
import { readStatus, type Status } from '../status/read-status.ts'

interface Flags {
  watch?: true | string
}

/** Shows what is counted, closed and sent, once or repeatedly. */
export const status: CliCommand<Flags> = {
  name: 'status',
  summary: 'Show days, processes, outbox, budget and losses',
  uses: ['store'],
  define: (command) =>
    void command
      .option('--watch [seconds]', 'show it again every few seconds, 2 without a number')
      .addHelpText(
        'after',
        '\nExit code 1: lines were rejected, or an unconfirmed or pending line is older\nthan two days.\n\nExamples:\n  px-usage status --dir /data/px-usage\n  px-usage status --watch 5',
      ),

  async run({ flags, settings, output, surroundings, signal }) {
    const everyMs = watchMs(flags.watch)
    const place = await openPlace(settings)
    try {
      for (;;) {
        const nowMs = surroundings.now()
        const found: Status[] = []
        for (const reader of place.readers) found.push(await readStatus(reader, nowMs))
        if (everyMs !== undefined && !output.isJson) output.clear()
        output.result(found, () => {
          for (const one of found) printStatus(one, output, nowMs)
        })
        if (everyMs === undefined)
          return found.some((one) => needsAPerson(one, nowMs)) ? exitCodes.found : exitCodes.ok
        await delay(everyMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return exitCodes.ok
      }
    } finally {
      await place.close()
    }
  },
}

const dayMs = 86_400_000
/** Lines are sent after the end of their day; older ones than two days wait for something that a person has to fix. */
const oldMs = 2 * dayMs

function needsAPerson({ outbox, oldestWaiting }: Status, nowMs: number): boolean {
  const isOld = oldestWaiting !== undefined && nowMs - Date.parse(oldestWaiting.day) - dayMs > oldMs
  return outbox.counts.rejected > 0 || isOld
}

function watchMs(given: Flags['watch']): number | undefined {
  if (given === undefined) return undefined
  const seconds = given === true ? 2 : Number(given)
  if (seconds >= 0.1 && seconds <= 86_400) return seconds * 1_000
  throw usageError(`--watch ${given} is not a number of seconds from 0.1 to 86400.`)
}
