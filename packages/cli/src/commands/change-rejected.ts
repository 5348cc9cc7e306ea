import type { CliCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { exitCodes, failedError } from '../exit-codes.ts'
import { type ChoiceFlags, choiceOf, readRejected, requireChoice } from '../lines/rejected-lines.ts'
import { onlyReader, openPlace } from '../place/open-place.ts'
import { counted } from '../terminal-text.ts'

interface Flags extends ChoiceFlags {
  yes?: true
}

interface Change {
  readonly kind: 'redeliver' | 'discard'
  readonly summary: string
  readonly question: (lines: string) => string
  readonly done: (lines: string) => string
  readonly help: string
}

/** Sends rejected lines again. */
export const redeliver: CliCommand<Flags> = changing({
  kind: 'redeliver',
  summary: 'Send rejected lines again, after the cause was fixed',
  question: (lines) => `Send ${lines} to PX again?`,
  done: (lines) => `${lines} will be sent again.`,
  help: 'The lines keep their bodies, so PX must accept now what it rejected before: fix\nthe key, the product or the attributes in PX first.',
})

/** Removes rejected lines from the store. */
export const discard: CliCommand<Flags> = changing({
  kind: 'discard',
  summary: 'Remove rejected lines from the list: PX never receives them',
  question: (lines) => `Discard ${lines}? PX never receives them.`,
  done: (lines) => `${lines} discarded.`,
  help: 'The calls of discarded lines never appear in PX.',
})

function changing({ kind, summary, question, done, help }: Change): CliCommand<Flags> {
  return {
    name: kind,
    summary,
    uses: ['store'],
    define: (command) =>
      void command
        .argument('[ids...]', 'ids of lines, as `px-usage rejected` shows them')
        .option('--day <day>', 'lines of this usage day')
        .option('--event <name>', 'events of this name')
        .option('--all', 'all rejected lines')
        .option('--yes', 'do not ask first; needed where there is no terminal')
        .addHelpText(
          'after',
          `\n${help}\nA running service executes this at its next check, within 5 minutes. Without\none, it is done at once.\n\nExample:\n  px-usage ${kind} --day 2026-11-23`,
        ),

    async run({ args, flags, settings, output, surroundings }) {
      const choice = choiceOf(args, flags)
      requireChoice(choice)
      const place = await openPlace(settings)
      try {
        const reader = onlyReader(place)
        const lines = await readRejected(reader, choice)
        const ids = lines.map(({ id }) => id)
        const what = counted(ids.length, 'rejected line')
        if (ids.length === 0) {
          output.result({ lines: ids, state: 'none' }, () => output.line('No rejected line matches.'))
          return exitCodes.ok
        }
        await confirm(question(what), { isSure: flags.yes === true, surroundings })
        const state = await reader.change({ kind, lines: ids }).catch((error: Error) => {
          throw failedError(error.message, error)
        })
        output.result({ lines: ids, state }, () => {
          output.line(done(what))
          if (state === 'left') output.line('The service does it at its next check, within 5 minutes.')
        })
        return exitCodes.ok
      } finally {
        await place.close()
      }
    },
  }
}
