import { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { runProgram } from '../../packages/cli/src/program.ts'

/** What a run of the program printed, and its exit code. */
export interface CliRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the program of packages/cli in this process, as in a terminal of 80 columns with `isTerminal`. */
export async function runCli(
  args: readonly string[],
  given: {
    env?: Readonly<Record<string, string>>
    cwd?: string
    /** What the user types. Without it, stdin is at its end. */
    input?: string
    isTerminal?: boolean
    /** Whether stderr is a terminal, which shows progress bars. */
    showsBars?: boolean
    now?: () => number
    onOut?: (text: string) => void
  } = {},
): Promise<CliRun> {
  const { env = {}, cwd = '/', input, isTerminal = false, showsBars = false, now = Date.now, onOut } = given
  let out = ''
  let err = ''
  const code = await runProgram(args, {
    env,
    cwd,
    stdin: Object.assign(Readable.from(input === undefined ? [] : [input]), { isTTY: isTerminal }),
    stdout: {
      isTTY: isTerminal,
      columns: 80,
      write(text) {
        out += text
        onOut?.(text)
      },
    },
    stderr: {
      isTTY: showsBars,
      columns: 80,
      write(text) {
        err += text
      },
    },
    now,
  })
  return { code, out, err }
}

/** The lines of a text that are wider than a terminal of 80 columns. Colours take no width. */
export function tooWide(text: string): string[] {
  return stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => [...line].length > 80)
}
