import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import type { CliCommand, Surroundings } from './command.ts'
import { commands } from './commands/index.ts'
import { CommandError, type ExitCode, exitCodes, failedError, usageError } from './exit-codes.ts'
import { createOutput } from './output.ts'
import { defaultFile, type GivenSettings, parseSettings, settingsOf } from './settings.ts'
import { oneLine } from './terminal-text.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/**
 * Runs the program with its arguments. Prints errors as one line.
 *
 * @returns the exit code
 */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok
  const program = createProgram(surroundings, (code) => {
    exitCode = code
  })
  try {
    if (args.length === 0) throw usageError('Give a command. `px-usage --help` lists them.')
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has printed help or the version.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    const { message } = error as Error
    const text = error instanceof CommanderError ? sentence(message) : message
    surroundings.stderr.write(`px-usage: ${oneLine(text)}\n`)
    if (error instanceof CommanderError) return exitCodes.usage
    return error instanceof CommandError ? error.exitCode : exitCodes.failed
  }
}

function createProgram(surroundings: Surroundings, onExit: (code: ExitCode) => void): Command {
  const { stdout } = surroundings
  const width = stdout.isTTY === true ? Math.min(100, stdout.columns ?? 80) : 80
  const configure = (command: Command) =>
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        // Errors are printed once, by `runProgram`, and in one form.
        writeErr: () => {},
        getOutHelpWidth: () => width,
      })
      .helpOption('-h, --help', 'show this help')
      .showSuggestionAfterError()
  const program = configure(new Command('px-usage'))
    .description('See, check, export and repair what px-usage counts and sends to Gainsight PX.')
    .version(version, '-V, --version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command')
    .usage('<command> [options]')
  for (const command of commands) {
    const sub = configure(program.command(command.name)).summary(command.summary)
    sub.description(`${command.summary}.`)
    addCommand(sub, command, surroundings, onExit)
  }
  return program
}

function addCommand(
  sub: Command,
  command: CliCommand,
  surroundings: Surroundings,
  onExit: (code: ExitCode) => void,
): void {
  command.define?.(sub)
  sub.option('--json', 'print one JSON value instead of text')
  for (const [, { flag, env, help, default: standard }] of settingsOf(command.uses)) {
    if (flag === undefined) continue
    const more = [env, ...(standard === undefined ? [] : [`default ${standard}`])].join(', ')
    sub.addOption(new Option(flag, `${help} (${more})`))
  }
  if (command.uses.length > 0) sub.option('--config <file>', `file of settings (default ${defaultFile})`)
  sub.action(async () => {
    const flags: Record<string, unknown> = sub.opts()
    const { env, cwd, stdout, stderr } = surroundings
    const file = command.uses.length > 0 ? settingsFile(cwd, flags.config as string | undefined) : undefined
    const settings = parseSettings({ flags, env, file, cwd })
    const output = createOutput({ stdout, stderr, env, isJson: flags.json === true })
    const stopping = new AbortController()
    const stop = () => stopping.abort()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
    try {
      const args = sub.processedArgs.filter((arg) => arg !== undefined).flat()
      onExit(await command.run({ args, flags, settings, output, surroundings, signal: stopping.signal }))
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop)
    }
  })
}

/** Reads the file of settings. The default one may be missing. */
function settingsFile(cwd: string, given: string | undefined): GivenSettings['file'] {
  const path = resolve(cwd, given ?? defaultFile)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (given === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw failedError(`Cannot read the settings in ${path}: ${(error as Error).message}`, error)
  }
  try {
    return { path: given ?? defaultFile, content: JSON.parse(text) }
  } catch (error) {
    throw usageError(`${path} is not JSON: ${(error as Error).message}`)
  }
}

/** Turns a message of commander, such as `error: unknown option '--x'\n(Did you mean --y?)`, into a line. */
function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}. See px-usage --help.`.replace('?). See', '?) See')
}
