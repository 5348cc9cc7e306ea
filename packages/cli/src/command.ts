import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { ExitCode } from './exit-codes.ts'
import type { Output, OutputStream } from './output.ts'
import type { SettingGroup, Settings } from './settings.ts'

/** What surrounds a run of the program. Tests replace it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  now(): number
}

export interface CommandContext<Flags> {
  /** The arguments that `define` declares, in order. */
  readonly args: readonly string[]
  readonly flags: Flags
  readonly settings: Settings
  readonly output: Output
  readonly surroundings: Surroundings
  /** Aborts at SIGINT or SIGTERM. A command that runs until then ends by itself. */
  readonly signal: AbortSignal
}

/** One command: a file of `commands/` each. */
export interface CliCommand<Flags extends object = object> {
  readonly name: string
  /** One line of the list of commands. */
  readonly summary: string
  /** Settings whose flags the command has. */
  readonly uses: readonly SettingGroup[]
  /** Adds arguments, flags and examples. `--json` and the flags of the settings are there already. */
  define?(command: Command): void
  run(context: CommandContext<Flags>): Promise<ExitCode>
}
