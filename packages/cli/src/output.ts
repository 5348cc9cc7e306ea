import { formatTable, type Table } from './table.ts'
import { oneLine } from './terminal-text.ts'

/** A stream that a command writes to, and what is known of the terminal behind it. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

const styles: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

/** What a command prints: text for people, or one JSON value. */
export interface Output {
  readonly isJson: boolean
  /** Width of the terminal, 80 columns if there is none. */
  readonly columns: number
  /**
   * Prints the result of the command: the value as JSON with `--json`, and otherwise what `print` prints. The value holds everything
   * that the text shows.
   */
  result(value: unknown, print: () => void): void
  /** Prints a line of text. It is not cut: ids are made printable with `oneLine()` first. */
  line(text?: string): void
  heading(text: string): void
  /** Prints labels and values in two columns. A value of several lines stays in its column. */
  facts(facts: ReadonlyArray<readonly [label: string, value: string]>): void
  table(table: Table): void
  /** Prints a line to stderr, in both forms of output. */
  note(text: string): void
  /** Clears the terminal, before something is shown again. Elsewhere it prints an empty line. */
  clear(): void
  /** Wraps a text in a colour, only on a terminal. */
  style(style: Style, text: string): string
}

export function createOutput({
  stdout,
  stderr,
  env,
  isJson,
}: {
  stdout: OutputStream
  stderr: OutputStream
  env: Readonly<Record<string, string | undefined>>
  isJson: boolean
}): Output {
  // https://no-color.org: any value that is not empty switches colour off.
  const isColoured = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const columns = stdout.isTTY === true ? Math.max(40, stdout.columns ?? 80) : 80

  const output: Output = {
    isJson,
    columns,
    result(value, print) {
      if (isJson) stdout.write(`${JSON.stringify(value, null, stdout.isTTY ? 2 : undefined)}\n`)
      else print()
    },
    line: (text = '') => void stdout.write(`${text}\n`),
    heading: (text) => output.line(output.style('bold', text)),
    facts(facts) {
      const width = Math.max(0, ...facts.map(([label]) => label.length))
      for (const [label, value] of facts) {
        const [first = '', ...more] = wrap(value, columns - width - 4)
        output.line(`  ${label.padEnd(width)}  ${first}`)
        for (const text of more) output.line(`  ${' '.repeat(width)}  ${text}`)
      }
    },
    table(table) {
      const [head, ...rows] = formatTable(table, columns)
      if (head !== undefined) output.line(output.style('dim', head))
      for (const row of rows) output.line(row)
    },
    clear: () => void stdout.write(stdout.isTTY === true ? '\u001b[H\u001b[2J' : '\n'),
    note: (text) => void stderr.write(`${oneLine(text)}\n`),
    style(style, text) {
      const [on, off] = styles[style]
      return isColoured ? `\u001b[${on}m${text}\u001b[${off}m` : text
    },
  }
  return output
}

/** Breaks a text at spaces. A word that is longer than the width stays whole, so that a path can be copied. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line]
  })
}
