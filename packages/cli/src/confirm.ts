import { createInterface } from 'node:readline/promises'
import type { Surroundings } from './command.ts'
import { CommandError, exitCodes, usageError } from './exit-codes.ts'

/**
 * Asks the user of a terminal before something is changed. `isSure` (`--yes`) skips the question.
 *
 * @throws {CommandError} with exit code 4 if the user does not confirm, and with 2 if there is no terminal to ask at
 */
export async function confirm(
  question: string,
  { isSure, surroundings: { stdin, stderr } }: { isSure: boolean; surroundings: Surroundings },
): Promise<void> {
  if (isSure) return
  if (stdin.isTTY !== true) {
    throw usageError('This command changes lines and asks first, but there is no terminal. Give --yes.')
  }
  stderr.write(`${question} [y/N] `)
  const lines = createInterface({ input: stdin })
  try {
    for await (const line of lines) {
      if (/^\s*y(es)?\s*$/i.test(line)) return
      break
    }
  } finally {
    lines.close()
  }
  throw new CommandError(exitCodes.cancelled, 'Not confirmed, so nothing was changed.')
}
