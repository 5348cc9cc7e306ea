/** What the exit code of a command says. docs/command-line.md documents each. */
export const exitCodes = {
  /** The command did what it was asked, and found no failure. */
  ok: 0,
  /** The command ran to its end and found a failure that needs a person: a check that fails, rejected lines, missing events. */
  found: 1,
  /** Wrong arguments or settings. Nothing was done. */
  usage: 2,
  /** The command could not do it: no such folder, Redis or PX cannot be reached, a disk error. */
  failed: 3,
  /** The user did not confirm. Nothing was done. */
  cancelled: 4,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An error that ends the command with one line on stderr, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Wrong arguments or settings. The message says what was given, what was expected and what to do. */
export function usageError(message: string): CommandError {
  return new CommandError(exitCodes.usage, message)
}

/** The command cannot do what it was asked to do. */
export function failedError(message: string, cause?: unknown): CommandError {
  // Node.js repeats the path at the end: `ENOENT: no such file or directory, open '/a/b'`. The message names it already.
  return new CommandError(exitCodes.failed, message.replace(/, [a-z]+ '[^']*'$/, ''), { cause })
}
