import { contentsOf, createUsageDays, previewEvents, readProcesses } from '@px-usage/core/adapter'
import { parseDay, parseLimit } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { createEventSummary, type EventSummary, printEvents } from '../lines/event-summary.ts'
import { type NumberedReader, openPlace } from '../place/open-place.ts'

interface Flags {
  limit: string
}

interface Preview extends EventSummary {
  readonly number: number
  readonly name: string
  readonly day: string
  readonly revision: number
}

/** Shows the events that closing the open days now would send. Nothing is closed or sent. */
export const preview: CliCommand<Flags> = {
  name: 'preview',
  summary: 'Show the events that closing the open days now would send',
  uses: ['store'],
  define: (command) =>
    void command
      .argument('[day]', 'one open day, such as 2026-11-23')
      .option('--limit <number>', 'how many events are shown, and are in the JSON', '20')
      .addHelpText('after', '\nExample:\n  px-usage preview 2026-11-23 --limit 1000 --json'),

  async run({ args, flags, settings, output }) {
    const day = args[0] === undefined ? undefined : parseDay(args[0])
    const limit = parseLimit(flags.limit)
    const place = await openPlace(settings)
    try {
      const found: Preview[] = []
      for (const reader of place.readers) found.push(...(await previewsOf(reader, day, limit)))
      if (day !== undefined && found.length === 0)
        throw usageError(`${day} is no open day. \`px-usage status\` lists them.`)
      output.result(found, () => {
        if (found.length === 0) output.line('No day has counts that are not closed.')
        for (const { name, day, revision, ...summary } of found) {
          output.heading(`${name}: ${day}${revision > 0 ? `, late counts (revision ${revision})` : ''}`)
          printEvents(summary, output)
        }
      })
      return exitCodes.ok
    } finally {
      await place.close()
    }
  },
}

async function previewsOf(
  reader: NumberedReader,
  only: string | undefined,
  limit: number,
): Promise<Preview[]> {
  const { number, name, namespace } = reader
  const rollups = (await readProcesses(reader))[0]?.settings.rollups
  const days = createUsageDays(namespace.timeZone)
  const previews: Preview[] = []
  for (const { day, revision } of await reader.openDays()) {
    if (only !== undefined && only !== day) continue
    const summary = createEventSummary(limit)
    const settings = { productKey: namespace.product, days, revision, rollups }
    for await (const event of previewEvents(reader, day, settings)) {
      const { userId } = contentsOf({ kind: 'event', body: JSON.stringify(event) })
      const { eventName, accountId, attributes } = event
      summary.add({ eventName, userId, accountId, attributes })
    }
    previews.push({ number, name, day, revision, ...summary.result() })
  }
  return previews
}
