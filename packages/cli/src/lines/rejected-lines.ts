import { contentsOf, type RejectedLine } from '@px-usage/core/adapter'
import { parseDay } from '../arguments/parse-arguments.ts'
import { usageError } from '../exit-codes.ts'
import type { NumberedReader } from '../place/open-place.ts'

/** Which rejected lines a command is about. */
export interface Choice {
  readonly ids: readonly string[]
  readonly day: string | undefined
  readonly event: string | undefined
  readonly all: boolean
}

/** A rejected line with the event and the identity in its body. */
export interface ShownRejection extends RejectedLine {
  readonly eventName: string | undefined
  readonly userId: string | undefined
  readonly accountId: string | undefined
}

export interface ChoiceFlags {
  day?: string
  event?: string
  all?: true
}

/** Returns the choice of ids and flags. @throws {CommandError} with exit code 2 for a day that is none */
export function choiceOf(ids: readonly string[], { day, event, all }: ChoiceFlags): Choice {
  return { ids, day: day === undefined ? undefined : parseDay(day), event, all: all === true }
}

/** @throws {CommandError} with exit code 2 if nothing was chosen: a command that changes lines takes all of them only with `--all` */
export function requireChoice({ ids, day, event, all }: Choice): void {
  if (ids.length === 0 && day === undefined && event === undefined && !all)
    throw usageError('Give the ids of rejected lines, or --day, --event or --all.')
}

/** Reads the rejected lines of a namespace that are chosen; without a choice, all of them. */
export async function readRejected(reader: NumberedReader, choice: Choice): Promise<ShownRejection[]> {
  const ids = new Set(choice.ids)
  const found: ShownRejection[] = []
  for await (const line of reader.rejected()) {
    const contents = contentsOf(line)
    if (ids.size > 0 && !ids.has(line.id)) continue
    if (choice.day !== undefined && choice.day !== line.day) continue
    if (choice.event !== undefined && choice.event !== contents.eventName) continue
    found.push({ ...line, ...contents })
  }
  return found
}
